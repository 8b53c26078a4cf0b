//! A replay under the file that the calls were recorded under: whatever happened in them, nothing changes.

use std::sync::Arc;

use jiff::Timestamp;
use meritline::broker::assign_callbacks::CallbackAssigner;
use meritline::broker::ports::{Clock, IdSource};
use meritline::core::distribution::callback::CallbackRules;
use meritline::core::intervention::{Actor, CallTag, Change, Intervention};
use meritline::core::policy::{Count, MissedOffers, Mode, Policy, WrapUp};
use meritline::core::proving::rollout::FollowedCalls;
use meritline::core::record::{Presence, PresenceState};
use meritline::core::workspace::Workspace;
use serde_json::json;

use super::CALLED;
use crate::support::floor::Draw;
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

fn team(shares: &[(&str, f64)], change: impl FnOnce(&mut Policy)) -> Arc<Workspace> {
    let names: Vec<&str> = shares.iter().map(|(name, _)| *name).collect();
    let sample = SampleWorkspace::new("acme").agents(&names).policy("typed", change);
    sample.group("sales", "typed", shares).route("main", "sales").build()
}

const THREE: [(&str, f64); 3] = [("anna", 5.0), ("boris", 3.0), ("clara", 2.0)];

impl TestService {
    async fn asked(&self, call: &str, caller: Option<&str>, attempt: u32) -> Vec<String> {
        let question = json!({"call_id": call, "called": CALLED, "caller": caller, "attempt": attempt});
        self.client.ask(&question).expect(200).await.agents()
    }

    /// An event; each has an id of its own.
    async fn heard(&self, call: &str, kind: &str, agent: Option<&str>, direction: &str) {
        let at = self.site.clock.now().to_string();
        let id = format!("{call}-{kind}-{}-{at}", agent.unwrap_or("call"));
        let event = json!({"event_id": id, "call_id": call, "type": kind, "agent": agent, "direction": direction, "at": at});
        self.client.tell(&event).expect(200).await;
        self.site.clock.pass(1);
    }

    async fn given_out(&self) -> usize {
        let assigner = CallbackAssigner {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.site.clock) as Arc<dyn Clock>,
            ids: Arc::clone(&self.site.ids) as Arc<dyn IdSource>,
            tenant: self.tenants.find("acme").unwrap(),
        };
        let given = assigner.assign(self.site.clock.now()).await.unwrap();
        self.site.clock.pass(1);
        given
    }

    /// Replays under the workspace in use and holds that nothing changes.
    async fn replays_as_recorded(&self, workspace: &Arc<Workspace>, from: Timestamp, calls: u64, what: &str) {
        let result = self.replayed(workspace, workspace, from).await;
        assert_eq!((result.outcome.calls, result.outcome.first_differs), (calls, 0), "{what}");
        assert_eq!(result.outcome.recorded, result.outcome.replayed, "{what}");
    }
}

/// Anna misses three calls in a row and is paused for it; the rest of the day is shared among the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_paused_for_misses_is_so_again() {
    let workspace = team(&THREE, |policy| policy.missed_offers = MissedOffers::default());
    let service = TestService::of(Arc::clone(&workspace)).await;
    let from = service.site.clock.now();
    for number in 0..30 {
        let call = format!("c-{number}");
        let first = service.asked(&call, None, 1).await.remove(0);
        service.site.clock.pass(15);
        let kind = if first == "anna" { "missed" } else { "answered" };
        service.heard(&call, kind, Some(&first), "in").await;
        service.site.clock.pass(20);
        service.heard(&call, "ended", None, "in").await;
    }
    service.replays_as_recorded(&workspace, from, 30, "misses").await;
}

/// Anna calls somebody herself, again and again: no decision of ours, but she is busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_talked_without_being_asked_for_does_so_again() {
    let workspace = team(&THREE, |_| {});
    let service = TestService::of(Arc::clone(&workspace)).await;
    let from = service.site.clock.now();
    for number in 0..30 {
        let (call, own) = (format!("c-{number}"), format!("own-{number}"));
        if number % 2 == 0 {
            service.heard(&own, "answered", Some("anna"), "out").await;
        }
        let first = service.asked(&call, None, 1).await.remove(0);
        service.site.clock.pass(5);
        service.heard(&call, "answered", Some(&first), "in").await;
        if number % 2 == 0 {
            service.heard(&own, "ended", None, "out").await;
        }
        service.site.clock.pass(50);
        service.heard(&call, "ended", None, "in").await;
    }
    service.replays_as_recorded(&workspace, from, 30, "own calls").await;
}

/// Two callers who were missed are called back: whoever does so is charged for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks_are_shared_out_and_charged_again() {
    let workspace = team(&[("anna", 1.0), ("boris", 1.0), ("clara", 1.0)], |policy| policy.callback = CallbackRules::default());
    let service = TestService::of(Arc::clone(&workspace)).await;
    let from = service.site.clock.now();
    for number in 0..20 {
        let (call, caller) = (format!("c-{number}"), format!("+7916123450{}", number % 10));
        let first = service.asked(&call, (number < 2).then_some(&*caller), 1).await.remove(0);
        service.site.clock.pass(5);
        if number < 2 {
            service.heard(&call, "ended", None, "in").await;
            assert_eq!(service.given_out().await, 1);
        } else {
            service.heard(&call, "answered", Some(&first), "in").await;
            service.site.clock.pass(30);
            service.heard(&call, "ended", None, "in").await;
        }
    }
    service.replays_as_recorded(&workspace, from, 20, "callbacks").await;
    let result = service.replayed(&workspace, &workspace, from).await;
    assert_eq!((result.outcome.tasks, result.outcome.tasks_differ), (2, 0));
}

/// Every offer is charged, taken or not: of every second call the first two targets miss it and the third takes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offers_are_charged_again() {
    let workspace = team(&THREE, |policy| policy.count = Count::Offered);
    let service = TestService::of(Arc::clone(&workspace)).await;
    let from = service.site.clock.now();
    for number in 0..30 {
        let call = format!("c-{number}");
        let named = service.asked(&call, None, 1).await;
        service.heard(&call, "offered", Some(&named[0]), "in").await;
        service.site.clock.pass(5);
        let missed = if number % 2 == 0 { 2 } else { 0 };
        for agent in &named[..missed] {
            service.heard(&call, "missed", Some(agent), "in").await;
        }
        service.heard(&call, "answered", Some(&named[missed]), "in").await;
        service.site.clock.pass(30);
        service.heard(&call, "ended", None, "in").await;
    }
    service.replays_as_recorded(&workspace, from, 30, "offers").await;
}

/// The PBX asks once more for a call that its first target missed, across the start of the span as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn later_attempts_are_asked_for_again() {
    let workspace = team(&THREE, |_| {});
    let service = TestService::of(Arc::clone(&workspace)).await;
    let from = service.site.clock.now();
    let mut middle = from;
    for number in 0..20 {
        let call = format!("c-{number}");
        let first = service.asked(&call, None, 1).await.remove(0);
        service.site.clock.pass(20);
        service.heard(&call, "missed", Some(&first), "in").await;
        if number == 10 {
            middle = service.site.clock.now();
            service.site.clock.pass(1);
        }
        let second = service.asked(&call, None, 2).await.remove(0);
        assert_ne!(first, second);
        service.site.clock.pass(5);
        service.heard(&call, "answered", Some(&second), "in").await;
        service.site.clock.pass(60);
        service.heard(&call, "ended", None, "in").await;
    }
    service.replays_as_recorded(&workspace, from, 20, "attempts").await;
    service.replays_as_recorded(&workspace, middle, 9, "from the middle of a call on").await;
}

/// An event that was received just before a question reached the disk, and so the state, just after it: boris was named while anna still
/// rang. Had it been seen, anna would have been free again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_received_at_the_same_moment_happens_in_the_order_that_was() {
    let workspace = team(&[("anna", 1.0), ("boris", 1.0)], |_| {});
    let service = TestService::of(Arc::clone(&workspace)).await;
    let from = service.site.clock.now();
    assert_eq!(service.asked("c-1", None, 1).await[0], "anna");
    service.site.clock.pass(10);
    let asked_at = service.site.clock.now();
    assert_eq!(service.asked("c-2", None, 1).await[0], "boris");
    let received_at = asked_at.checked_sub(jiff::SignedDuration::from_millis(40)).unwrap();
    let missed = json!({"connection": "pbx", "received_at": received_at, "event": {"event_id": "late", "call_id": "c-1",
        "type": "missed", "agent": "anna", "at": received_at}});
    service.store.record_events(&workspace.id, vec![serde_json::from_value(missed).unwrap()]).await.unwrap();
    service.replays_as_recorded(&workspace, from, 2, "in doubt").await;
}

/// Days of misses, transfers, breaks, callers who call again, calls that agents make themselves, tags, events that come late: by chance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_day_replays_as_it_was() {
    for seed in 1..=5 {
        let mut draw = Draw(seed);
        let workspace = random_team(&mut draw);
        let service = TestService::of(Arc::clone(&workspace)).await;
        let from = service.site.clock.now();
        let mut day = RandomDay { service: &service, draw, calls: 0, going_on: Vec::new() };
        let (mut middle, mut before_it) = (from, 0);
        for step in 0..250 {
            if step == 100 {
                (middle, before_it) = (service.site.clock.now(), day.calls);
            }
            day.step().await;
        }
        let calls = day.calls;
        assert!(calls > 40, "a day of {calls} calls says little");
        service.replays_as_recorded(&workspace, from, calls, &format!("the day of seed {seed}")).await;
        service.replays_as_recorded(&workspace, middle, calls - before_it, &format!("from the middle on, seed {seed}")).await;
    }
}

fn random_team(draw: &mut Draw) -> Arc<Workspace> {
    let shares: Vec<(&str, f64)> =
        ["anna", "boris", "clara", "denis"].into_iter().map(|name| (name, 1.0 + 4.0 * draw.uniform())).collect();
    let mode = if draw.uniform() < 0.3 { Mode::EqualTalkTime } else { Mode::Percent };
    let count = if draw.uniform() < 0.4 { Count::Offered } else { Count::Answered };
    let calls = if draw.uniform() < 0.3 { FollowedCalls::Percent(50) } else { FollowedCalls::All };
    let change = |policy: &mut Policy| {
        policy.rollout.calls = calls;
        policy.mode = mode;
        policy.count = count;
        policy.period_seconds = 3600;
        policy.missed_offers = MissedOffers::default();
        policy.callback = CallbackRules::default();
        policy.dialling.busy_stage = true;
        policy.guard.wrap_up = Some(WrapUp { base_seconds: 10.0, per_talk_second: 0.1, max_seconds: 60.0 });
    };
    let names: Vec<&str> = shares.iter().map(|(name, _)| *name).collect();
    SampleWorkspace::new("acme")
        .agents(&names)
        .policy("typed", change)
        .policy("above", |policy| policy.callback = CallbackRules::default())
        .group("near", "typed", &shares[..2])
        .group("far", "typed", &shares[2..])
        .group("sales", "above", &[("near", 3.0), ("far", 2.0)])
        .route("main", "sales")
        .build()
}

/// A call that is not over.
struct GoingOn {
    call: String,
    caller: Option<String>,
    attempt: u32,
    named: Vec<String>,
    talks: Option<String>,
}

struct RandomDay<'a> {
    service: &'a TestService,
    draw: Draw,
    calls: u64,
    going_on: Vec<GoingOn>,
}

impl RandomDay<'_> {
    fn below(&mut self, limit: usize) -> usize {
        (self.draw.next_u64() % limit as u64) as usize
    }

    async fn step(&mut self) {
        let pause = 1 + self.below(40);
        self.service.site.clock.pass(i64::try_from(pause).unwrap());
        match self.below(20) {
            0..=6 => self.begin().await,
            7..=16 => self.go_on().await,
            17 => self.by_hand().await,
            18 => self.own_call().await,
            _ => drop(self.service.given_out().await),
        }
    }

    async fn begin(&mut self) {
        self.calls += 1;
        let call = format!("c-{}", self.calls);
        let caller = (self.below(3) > 0).then(|| format!("+7916123450{}", self.below(6)));
        let named = self.service.asked(&call, caller.as_deref(), 1).await;
        self.service.site.clock.pass(1);
        self.going_on.push(GoingOn { call, caller, attempt: 1, named, talks: None });
    }

    async fn go_on(&mut self) {
        if self.going_on.is_empty() {
            return;
        }
        let place = self.below(self.going_on.len());
        let mut at = self.going_on.swap_remove(place);
        let chance = self.below(10);
        match (at.talks.clone(), at.named.first().cloned()) {
            (Some(agent), _) if chance < 2 => {
                let to = ["anna", "boris", "clara", "denis"][self.below(4)];
                let now = self.service.site.clock.now().to_string();
                let event = json!({"event_id": format!("{}-t-{now}", at.call), "call_id": at.call, "type": "transferred",
                    "agent": agent, "to_agent": to, "at": now});
                self.service.client.tell(&event).expect(200).await;
                self.service.site.clock.pass(1);
                at.talks = Some(to.to_owned());
            }
            (Some(_), _) => {
                self.service.heard(&at.call, "ended", None, "in").await;
                if chance == 9 {
                    // Minutes later the PBX tells of a recording, and of how long they talked.
                    self.service.site.clock.pass(200);
                    self.late(&at.call).await;
                }
                return;
            }
            (None, Some(first)) if chance < 5 => {
                self.service.heard(&at.call, "answered", Some(&first), "in").await;
                at.talks = Some(first);
            }
            (None, Some(first)) if chance < 8 => {
                let kind = ["missed", "rejected", "busy"][self.below(3)];
                self.service.heard(&at.call, "offered", Some(&first), "in").await;
                self.service.heard(&at.call, kind, Some(&first), "in").await;
                at.named.remove(0);
                if self.below(2) == 0 {
                    self.service.site.clock.pass(6);
                    at.attempt += 1;
                    at.named = self.service.asked(&at.call, at.caller.as_deref(), at.attempt).await;
                    self.service.site.clock.pass(1);
                }
            }
            (None, _) => {
                self.service.heard(&at.call, "ended", None, "in").await;
                return;
            }
        }
        self.going_on.push(at);
    }

    async fn late(&mut self, call: &str) {
        let now = self.service.site.clock.now().to_string();
        let seconds = 5 + self.below(500);
        let event =
            json!({"event_id": format!("{call}-late"), "call_id": call, "type": "ended", "at": now, "talk_seconds": seconds});
        self.service.client.tell(&event).expect(200).await;
        self.service.site.clock.pass(1);
    }

    async fn own_call(&mut self) {
        let agent = ["anna", "boris", "clara", "denis"][self.below(4)];
        let call = format!("own-{}", self.draw.next_u64());
        self.service.heard(&call, "answered", Some(agent), "out").await;
        self.going_on.push(GoingOn { call, caller: None, attempt: 1, named: Vec::new(), talks: Some(agent.to_owned()) });
    }

    async fn by_hand(&mut self) {
        let agent = ["anna", "boris", "clara", "denis"][self.below(4)];
        let (set_at, workspace) = (self.service.site.clock.now(), "acme".into());
        if self.below(2) == 0 {
            let state = [PresenceState::Available, PresenceState::Paused, PresenceState::OffDuty][self.below(3)];
            let until = set_at.checked_add(jiff::SignedDuration::from_mins(5)).unwrap();
            let presence = Presence { agent: agent.into(), state, reason: None, until: Some(until), set_at };
            self.service.store.set_presence(&workspace, presence).await.unwrap();
        } else {
            let call = format!("c-{}", 1 + self.below(usize::try_from(self.calls).unwrap() + 1));
            let change =
                Change::Tag { connection: "pbx".into(), call: call.into(), agent: agent.into(), tag: Some(CallTag::Spam) };
            let (id, by) = (uuid::Uuid::from_u128(u128::from(self.draw.next_u64())), Actor { role: "agent".into(), agent: None });
            self.service.store.intervene(&workspace, Intervention { id, set_at, by, change }).await.unwrap();
        }
        self.service.site.clock.pass(1);
    }
}
