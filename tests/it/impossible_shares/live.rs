//! What one person can carry at the load of now: in the shares of a group, and as a notice.

use meritline::broker::ports::Clock;
use meritline::core::policy::WrapUp;
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

/// The published table's eight people.
const NAMES: [&str; 8] = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"];
const SHARES: [f64; 8] = [20.0, 18.0, 15.0, 13.0, 11.0, 9.0, 8.0, 6.0];

pub(super) fn eight() -> SampleWorkspace {
    let members: Vec<(&str, f64)> = NAMES.into_iter().zip(SHARES).collect();
    SampleWorkspace::new("acme").agents(&NAMES).policy("typed", |_| {}).group("sales", "typed", &members).route("main", "sales")
}

impl TestService {
    /// So many calls, one every so many seconds, each a conversation of so many seconds with whoever is named first.
    pub(super) async fn conversations(&self, name: &str, count: usize, every_seconds: i64, talk_seconds: u32) {
        for number in 0..count {
            let call = format!("{name}-{number}");
            let question = json!({"call_id": call, "called": "+74951112233"});
            let first = self.client.ask(&question).expect(200).await.agents().remove(0);
            let at = self.site.clock.now().to_string();
            let event = |kind: &str, more: Value| {
                let mut event = json!({"event_id": format!("{call}-{kind}"), "call_id": call, "type": kind, "at": at});
                event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                event
            };
            let answered = event("answered", json!({"agent": first}));
            let ended = event("ended", json!({"talk_seconds": talk_seconds}));
            self.client.tell(&json!([answered, ended])).expect(200).await;
            self.site.clock.pass(every_seconds);
        }
    }

    async fn lead_reads(&self, path: &str) -> Value {
        let lead = self.token("acme", Role::SalesLead, None).await;
        self.client.read(path, &lead).expect(200).await.json()
    }

    async fn shares(&self) -> Value {
        self.lead_reads("groups/sales/shares").await
    }

    async fn notices_of(&self, kind: &str) -> Vec<Value> {
        let list = self.lead_reads("notices").await;
        list["items"].as_array().unwrap().iter().filter(|notice| notice["kind"] == kind).cloned().collect()
    }
}

fn near(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap();
    assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
}

/// 40 calls an hour of 7 minutes: one person carries 0.85 / (40 x 7 / 60) = 18.2 % at most, and the 20 % of the first lie above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_show_what_one_person_can_carry_and_which_target_lies_above() {
    let service = TestService::of(eight().build()).await;
    service.conversations("c", 40, 90, 420).await;
    let shares = service.shares().await;
    near(&shares["load"]["calls_per_hour"], 40.0);
    near(&shares["load"]["busy_seconds_per_call"], 420.0);
    near(&shares["load"]["erlangs"], 14.0 / 3.0);
    let members = shares["members"].as_array().unwrap();
    members.iter().for_each(|member| near(&member["feasible"], 0.85 * 3.0 / 14.0));
    let above: Vec<&Value> = members.iter().filter(|member| member["above_feasible"] == true).map(|m| &m["member"]).collect();
    assert_eq!(above, ["a0"]);
    let told = service.notices_of("share_above_feasible").await;
    let text = "The share of `a0` in group `sales`, 20 %, is more than one person can carry: at 40 answered calls an hour of 7 \
                minutes each at most 18 %; what is missed goes to the others: lower the share, or add people.";
    assert_eq!((told.len(), &told[0]["text"]), (1, &json!(text)));
    assert_eq!((&told[0]["agent"], &told[0]["group"], &told[0]["policy"]), (&json!("a0"), &json!("sales"), &json!("typed")));
    // What is measured follows from what is stored.
    let service = service.restart().await;
    assert_eq!(service.shares().await["load"], shares["load"]);
}

/// Of the 7 minutes the last one is after-call time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_call_time_is_part_of_what_a_call_asks() {
    let members: Vec<(&str, f64)> = NAMES.into_iter().zip(SHARES).collect();
    let wrap_up = WrapUp { base_seconds: 24.0, per_talk_second: 0.1, max_seconds: 180.0 };
    let workspace = SampleWorkspace::new("acme")
        .agents(&NAMES)
        .policy("typed", |policy| policy.guard.wrap_up = Some(wrap_up))
        .group("sales", "typed", &members)
        .route("main", "sales");
    let service = TestService::of(workspace.build()).await;
    service.conversations("c", 40, 90, 360).await;
    near(&service.shares().await["load"]["busy_seconds_per_call"], 360.0 + 24.0 + 36.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_few_calls_nothing_is_said_and_a_quiet_hour_limits_nobody() {
    let service = TestService::of(eight().build()).await;
    service.conversations("c", 19, 90, 420).await;
    let shares = service.shares().await;
    assert_eq!((&shares["load"], &shares["members"][0]["feasible"]), (&Value::Null, &Value::Null));
    assert_eq!(shares["members"][0]["above_feasible"], false);
    assert!(service.notices_of("share_above_feasible").await.is_empty());
    // Half a day later those are no load of now; 30 calls an hour of 20 seconds are a sixth of a person's time.
    service.site.clock.pass(12 * 3600);
    service.conversations("d", 20, 120, 20).await;
    let shares = service.shares().await;
    near(&shares["load"]["erlangs"], 1.0 / 6.0);
    near(&shares["members"][0]["feasible"], 1.0);
}

/// 60 and 40 for offices of two and six: two people carry 36.4 % together, six more than all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_office_carries_what_its_people_carry_together() {
    let moscow: Vec<(&str, f64)> = [("a0", 1.0), ("a1", 1.0), ("a2", 0.0)].to_vec();
    let kazan: Vec<(&str, f64)> = NAMES[2..].iter().map(|name| (*name, 1.0)).collect();
    let workspace = SampleWorkspace::new("acme")
        .agents(&NAMES)
        .policy("typed", |_| {})
        .group("sales", "typed", &[("moscow", 60.0), ("kazan", 40.0)])
        .group("moscow", "typed", &moscow)
        .group("kazan", "typed", &kazan)
        .route("main", "sales");
    let service = TestService::of(workspace.build()).await;
    service.conversations("c", 40, 90, 420).await;
    let shares = service.shares().await;
    near(&shares["members"][0]["feasible"], 2.0 * 0.85 * 3.0 / 14.0);
    near(&shares["members"][1]["feasible"], 1.0);
    assert_eq!([&shares["members"][0]["above_feasible"], &shares["members"][1]["above_feasible"]], [true, false]);
    let told = service.notices_of("share_above_feasible").await;
    let of_sales = told.iter().find(|notice| notice["group"] == "sales").unwrap();
    let text = "The share of `moscow` in group `sales`, 60 %, is more than its 2 people can carry together: at 40 answered calls \
                an hour of 7 minutes each at most 36 %; what is missed goes to the others: lower the share, or add people.";
    assert_eq!((&of_sales["text"], &of_sales["agent"]), (&json!(text), &Value::Null));
}

/// Four people with a quarter each at 40 calls of 7 minutes an hour: 4 2/3 people's work, of which each should do at most 85 %.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_all_shares_are_too_much_the_team_is_too_small() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &NAMES[..4]).build()).await;
    service.conversations("c", 40, 90, 420).await;
    let told = service.notices_of("share_above_feasible").await;
    let text = "Every share of group `sales` is more than its member can carry: at 40 answered calls an hour of 7 minutes each \
                the group needs 6 people and has 4; add people, or let calls go elsewhere.";
    assert_eq!((told.len(), &told[0]["text"]), (1, &json!(text)));
}
