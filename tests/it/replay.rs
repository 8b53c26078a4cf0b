//! What-if: recorded calls under another policy, through the same functions.

mod same_file;
mod scores;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use meritline::broker::ports::Clock;
use meritline::broker::replay::{ReplayRequest, ReplayResult, replay};
use meritline::core::distribution::callback::CallbackRules;
use meritline::core::ids::AgentId;
use meritline::core::intervention::{Actor, Change, Intervention};
use meritline::core::workspace::Workspace;
use serde_json::json;

use crate::support::program::{ACME, Program};
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

const CALLED: &str = "+74951112233";

fn sharing(shares: &[(&str, f64)]) -> Arc<Workspace> {
    let names: Vec<&str> = shares.iter().map(|(name, _)| *name).collect();
    SampleWorkspace::new("acme")
        .agents(&names)
        .policy("typed", |_| {})
        .group("sales", "typed", shares)
        .route("main", "sales")
        .build()
}

impl TestService {
    /// A call that its first target answers after 5 s and talks in for so long; the clock ends at its end.
    async fn handled(&self, call: &str, talk_seconds: i64) -> String {
        let question = json!({"call_id": call, "called": CALLED});
        let first = self.client.ask(&question).expect(200).await.agents().remove(0);
        self.site.clock.pass(5);
        self.told(call, "answered", Some(&first)).await;
        self.site.clock.pass(talk_seconds);
        self.told(call, "ended", None).await;
        first
    }

    async fn told(&self, call: &str, kind: &str, agent: Option<&str>) {
        let at = self.site.clock.now().to_string();
        let event = json!({"event_id": format!("{call}-{kind}"), "call_id": call, "type": kind, "agent": agent, "at": at});
        self.client.tell(&event).expect(200).await;
    }

    /// Replays; the current workspace was applied before anything was recorded.
    async fn replayed(&self, current: &Arc<Workspace>, other: &Arc<Workspace>, from: Timestamp) -> ReplayResult {
        self.replayed_since(current, other, from, Timestamp::MIN).await
    }

    async fn replayed_since(
        &self,
        current: &Arc<Workspace>,
        other: &Arc<Workspace>,
        from: Timestamp,
        applied_at: Timestamp,
    ) -> ReplayResult {
        let until = self.site.clock.now().checked_add(SignedDuration::from_secs(1)).unwrap();
        let request = ReplayRequest { current: Arc::clone(current), applied_at, other: Arc::clone(other), from, until };
        replay(&*self.store, &request, &mut |_| {}).await.unwrap()
    }
}

fn calls(result: &ReplayResult, recorded: bool) -> Vec<(String, u64)> {
    let side = if recorded { &result.outcome.recorded } else { &result.outcome.replayed };
    side.agents.iter().map(|(agent, total)| (agent.to_string(), total.calls)).collect()
}

fn named(agents: &[(&str, u64)]) -> Vec<(String, u64)> {
    agents.iter().map(|(agent, calls)| ((*agent).to_owned(), *calls)).collect()
}

/// Calls that overlap, calls nobody answered, somebody on a break: under the very same policy the replay names whom the service
/// named, call by call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_the_same_policy_nothing_changes() {
    let workspace = sharing(&[("anna", 5.0), ("boris", 3.0), ("clara", 2.0)]);
    let service = TestService::of(Arc::clone(&workspace)).await;
    let from = service.site.clock.now();
    let lead = service.token("acme", meritline::http::access::Role::SalesLead, None).await;
    let mut going_on: Option<(String, String)> = None;
    for number in 0..60 {
        let call = format!("c-{number}");
        let first = service.client.ask(&json!({"call_id": call, "called": CALLED})).expect(200).await.agents().remove(0);
        service.site.clock.pass(4);
        if let Some((earlier, _)) = going_on.take() {
            service.told(&earlier, "ended", None).await;
        }
        if number % 5 == 4 {
            service.told(&call, "missed", Some(&first)).await;
            service.told(&call, "ended", None).await;
        } else {
            service.told(&call, "answered", Some(&first)).await;
            going_on = Some((call, first));
        }
        if number == 20 || number == 30 {
            let state = if number == 20 { "paused" } else { "available" };
            let path = "/api/v1/workspaces/acme/agents/boris/presence";
            service.client.put(path, &json!({"state": state})).token(&lead).expect(200).await;
        }
        service.site.clock.pass(30);
    }
    let result = service.replayed(&workspace, &workspace, from).await;
    assert_eq!((result.outcome.calls, result.outcome.first_differs), (60, 0));
    assert_eq!(result.outcome.recorded, result.outcome.replayed);

    // The same from the middle on: the replay starts from the state as recorded.
    let middle = from.checked_add(SignedDuration::from_secs(34 * 25)).unwrap();
    let half = service.replayed(&workspace, &workspace, middle).await;
    assert_eq!((half.outcome.calls, half.outcome.first_differs), (35, 0));
}

/// Who was named first does not answer every third call, the next one does: both sides count who talked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_answers_in_somebody_elses_stead_does_so_again() {
    let workspace = sharing(&[("anna", 5.0), ("boris", 3.0), ("clara", 2.0)]);
    let service = TestService::of(Arc::clone(&workspace)).await;
    let from = service.site.clock.now();
    for number in 0..30 {
        let call = format!("c-{number}");
        let named = service.client.ask(&json!({"call_id": call, "called": CALLED})).expect(200).await.agents();
        service.site.clock.pass(4);
        if number % 3 == 2 {
            service.told(&call, "missed", Some(&named[0])).await;
        }
        service.told(&call, "answered", Some(&named[usize::from(number % 3 == 2)])).await;
        service.site.clock.pass(60);
        service.told(&call, "ended", None).await;
    }
    let result = service.replayed(&workspace, &workspace, from).await;
    assert_eq!((result.outcome.calls, result.outcome.first_differs), (30, 0));
    assert_eq!(result.outcome.recorded, result.outcome.replayed);
}

/// Boris has been off duty for a month, and shares are equal by a lead's word for as long: both still hold in the span.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_set_long_before_the_span_still_holds() {
    let workspace = sharing(&[("anna", 3.0), ("boris", 1.0), ("clara", 1.0)]);
    let service = TestService::of(Arc::clone(&workspace)).await;
    let lead = service.token("acme", meritline::http::access::Role::SalesLead, None).await;
    let path = "/api/v1/workspaces/acme/agents/boris/presence";
    service.client.put(path, &json!({"state": "off_duty"})).token(&lead).expect(200).await;
    let change = Change::EqualShares { policy: None, on: true, reason: None };
    let by = Actor { role: "sales_lead".into(), agent: None };
    let set_at = service.site.clock.now();
    let brake = Intervention { id: uuid::Uuid::from_u128(1), set_at, by, change };
    service.store.intervene(&workspace.id, brake).await.unwrap();
    service.site.clock.pass(30 * 24 * 3600);
    let from = service.site.clock.now();
    for number in 0..8 {
        service.handled(&format!("c-{number}"), 55).await;
    }
    let result = service.replayed(&workspace, &workspace, from).await;
    assert_eq!(calls(&result, true), named(&[("anna", 4), ("clara", 4)]));
    assert_eq!(result.outcome.recorded, result.outcome.replayed);
}

/// A caller who calls again goes to who talked a moment ago, in the replay as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_calls_again_has_the_same_context() {
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris"])
        .policy("typed", |policy| policy.callback = CallbackRules::default())
        .group("sales", "typed", &[("anna", 1.0), ("boris", 1.0)])
        .route("main", "sales")
        .build();
    let service = TestService::of(Arc::clone(&workspace)).await;
    let from = service.site.clock.now();
    for call in ["c-1", "c-2"] {
        let question = json!({"call_id": call, "called": CALLED, "caller": "+79161234567"});
        let named = service.client.ask(&question).expect(200).await.agents();
        assert_eq!(named[0], "anna");
        service.site.clock.pass(5);
        service.told(call, "answered", Some("anna")).await;
        service.site.clock.pass(60);
        service.told(call, "ended", None).await;
    }
    let result = service.replayed(&workspace, &workspace, from).await;
    assert_eq!((result.outcome.calls, result.outcome.first_differs), (2, 0));
}

/// Recorded while anna stood before boris in the file; now boris stands first. Shares go with people, not with places: three to one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_shares_go_with_the_people_they_were_published_for() {
    let service = TestService::of(sharing(&[("anna", 3.0), ("boris", 1.0)])).await;
    let from = service.site.clock.now();
    for number in 0..8 {
        service.handled(&format!("c-{number}"), 55).await;
    }
    let turned = sharing(&[("boris", 1.0), ("anna", 3.0)]);
    let result = service.replayed(&turned, &turned, from).await;
    assert_eq!(calls(&result, false), named(&[("anna", 6), ("boris", 2)]));
}

/// Forty calls one after another, shared one to one; at three to one it would have been thirty and ten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_other_shares_the_calls_follow_them() {
    let workspace = sharing(&[("anna", 1.0), ("boris", 1.0)]);
    let service = TestService::of(Arc::clone(&workspace)).await;
    let from = service.site.clock.now();
    for number in 0..40 {
        service.handled(&format!("c-{number}"), 55).await;
    }
    let result = service.replayed(&workspace, &sharing(&[("anna", 3.0), ("boris", 1.0)]), from).await;
    assert_eq!(calls(&result, true), named(&[("anna", 20), ("boris", 20)]));
    assert_eq!(calls(&result, false), named(&[("anna", 30), ("boris", 10)]));
    let talk: f64 = result.outcome.replayed.agents.values().map(|total| total.talk_seconds).sum();
    assert_eq!(talk, 40.0 * 55.0, "the conversations are those recorded, whoever has them");
    // Who is not in the other file gets nothing.
    let alone = service.replayed(&workspace, &sharing(&[("boris", 1.0)]), from).await;
    assert_eq!(calls(&alone, false), named(&[("boris", 40)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_nobody_answered_stays_unanswered_and_a_task_to_call_back_is_no_call() {
    let workspace = sharing(&[("anna", 1.0), ("boris", 1.0)]);
    let service = TestService::of(Arc::clone(&workspace)).await;
    let from = service.site.clock.now();
    service.client.ask(&json!({"call_id": "c-1", "called": CALLED})).expect(200).await;
    service.site.clock.pass(60);
    service.told("c-1", "ended", None).await;
    let result = service.replayed(&workspace, &sharing(&[("boris", 1.0)]), from).await;
    assert_eq!((result.outcome.calls, result.outcome.first_differs), (1, 1));
    assert!(result.outcome.replayed.agents.values().all(|total| total.calls == 0));
    assert_eq!(result.outcome.replayed.agents[&AgentId::from("boris")].named_first, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_says_what_would_have_changed_and_what_it_cannot_know() {
    let program = Program::new();
    program.write("acme.yaml", ACME);
    program.write("other.yaml", &ACME.replace("workspace: acme", "workspace: beta"));
    program.write(
        "three_to_one.yaml",
        &ACME.replace("members: [anna, boris]", "members: [{agent: anna, base: 3}, boris]").replace("equal_calls", "percent"),
    );
    program.write("broken.yaml", &ACME.replace("members: [anna, boris]", "members: [ana, boris]"));
    assert_eq!(program.run(&["workspace", "apply", "acme.yaml"]).await.code, 0);
    let ended = program.run(&["replay", "--workspace", "acme"]).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.out.starts_with("No call is recorded from ") && ended.out.ends_with("No call is recorded at all yet.\n"),
        "{}",
        ended.out
    );
    let (mut child, client) = program.serve().await;
    for number in 0..8 {
        let question = json!({"call_id": format!("c-{number}"), "called": CALLED});
        let asked = client.post("/hooks/acme/pbx/decision", &question).token("pbx-secret").expect(200).await;
        let first = asked.agents().remove(0);
        for (kind, agent) in [("answered", Some(first)), ("ended", None)] {
            let event = json!({"event_id": format!("{number}-{kind}"), "call_id": format!("c-{number}"), "type": kind,
                "agent": agent, "at": "2026-11-23T10:00:00+03:00", "talk_seconds": 90});
            client.post("/hooks/acme/pbx/events", &event).token("pbx-secret").expect(200).await;
        }
    }
    child.kill().await.unwrap();
    let ended = program.run(&["replay", "--workspace", "acme"]).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("First in 0 of them (0.0 %) would have been somebody else"), "{}", ended.out);
    assert!(ended.out.contains("What a replay cannot know:"), "{}", ended.out);

    let ended = program.run(&["replay", "--workspace", "acme", "--from", "2020-01-01", "--to", "2020-02-01"]).await;
    assert!(ended.out.contains("nothing to compare. The latest one came at "), "{}", ended.out);

    let ended = program.run(&["replay", "--workspace", "acme", "--with", "three_to_one.yaml", "--json"]).await;
    let report: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    let anna = &report["agents"][0];
    assert_eq!((anna["calls_recorded"].as_u64(), anna["calls_replayed"].as_u64()), (Some(4), Some(6)), "{report}");

    for (arguments, text) in [
        (
            vec!["replay", "--workspace", "acne"],
            "there is no workspace `acne` in the database sqlite://meritline.db; there are: acme",
        ),
        (vec!["replay", "--workspace", "acme", "--with", "other.yaml"], "describes workspace `beta`"),
        (vec!["replay", "--workspace", "acme", "--with", "broken.yaml"], "did you mean `anna`?"),
        (vec!["replay", "--workspace", "acme", "--from", "yesterday"], "`yesterday` is neither a date"),
        (vec!["replay", "--workspace", "acme", "--from", "2026-11-24", "--to", "2026-11-23"], "the span is empty"),
    ] {
        let ended = program.run(&arguments).await;
        assert_eq!(ended.code, 1, "{arguments:?}: {}", ended.out);
        assert!(ended.err.contains(text), "{arguments:?}: {}", ended.err);
    }
    assert_eq!(program.run(&["replay"]).await.code, 2);
}
