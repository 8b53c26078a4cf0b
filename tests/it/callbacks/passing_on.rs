//! A task is passed on when whoever has it goes away, and a lead may give it to somebody.

use std::sync::Arc;

use meritline::core::distribution::call_state::CallState;
use meritline::core::distribution::callback::CallbackRules;
use meritline::core::distribution::callback::callback_key;
use meritline::core::distribution::callback_choice::{choice, given_by_hand, record, task_of};
use meritline::core::distribution::choose::{Choice, RecordHead};
use meritline::core::ids::CallKey;
use meritline::core::policy::{Count, Mode};
use meritline::core::record::{DecisionRecord, Feed};
use meritline::http::access::Role;
use serde_json::{Value, json};

use super::{CALLER, team};
use crate::support::floor::{Floor, plain_policy};
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

const TASK: &str = "/api/v1/workspaces/acme/callbacks/pbx/c-1";
const GIVE: &str = "/api/v1/workspaces/acme/callbacks/pbx/c-1/agent";

fn counting(count: Count) -> SampleWorkspace {
    SampleWorkspace::new("acme")
        .agents(&["anna", "boris", "clara"])
        .policy("even", |policy| (policy.callback, policy.count) = (CallbackRules::default(), count))
        .group("sales", "even", &[("anna", 1.0), ("boris", 1.0), ("clara", 1.0)])
        .route("main", "sales")
}

impl TestService {
    /// A missed call whose task somebody has; who.
    async fn given(&self) -> String {
        self.missed("c-1", CALLER).await;
        assert_eq!(self.share_out().await, 1);
        self.tasks().await[0]["agent"].as_str().unwrap().to_owned()
    }

    async fn set_presence(&self, agent: &str, presence: &Value) {
        let lead = self.token("acme", Role::SalesLead, None).await;
        let path = format!("/api/v1/workspaces/acme/agents/{agent}/presence");
        self.client.put(&path, presence).token(&lead).expect(200).await;
    }

    /// The only task: state, holder, charge of the whole team.
    async fn stands(&self) -> (String, Option<String>, f64) {
        let [task] = self.tasks().await.try_into().unwrap();
        let charged = self.received().await.iter().sum();
        (task["state"].as_str().unwrap().to_owned(), task["agent"].as_str().map(str::to_owned), charged)
    }

    fn in_minutes(&self, minutes: i64) -> String {
        use meritline::broker::ports::Clock;
        self.site.clock.now().checked_add(jiff::SignedDuration::from_mins(minutes)).unwrap().to_string()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_shift_ends_loses_the_task_to_somebody_else_who_alone_is_charged() {
    for count in [Count::Answered, Count::Offered] {
        let service = TestService::of(counting(count).build()).await;
        let first = service.given().await;
        let before = service.received().await.iter().sum::<f64>();
        service.site.clock.pass(60);
        service.set_presence(&first, &json!({"state": "off_duty"})).await;
        assert_eq!(service.stands().await, ("open".to_owned(), None, before));
        assert_eq!((service.share_out().await, service.share_out().await), (1, 0), "{count:?}");
        let (state, second, charged) = service.stands().await;
        assert_eq!((state.as_str(), charged), ("assigned", before), "{count:?}: charged once");
        assert_ne!(second.as_deref(), Some(first.as_str()));
        // Back on duty she does not get it back, nor may she say what came of it.
        service.set_presence(&first, &json!({"state": "available"})).await;
        assert_eq!(service.share_out().await, 0);
        let own = service.token("acme", Role::Agent, Some(&first)).await;
        service.client.post(TASK, &json!({"outcome": "reached"})).token(&own).expect(403).await;
        let service = service.restart().await;
        assert_eq!(service.share_out().await, 0);
        assert_eq!(service.stands().await, ("assigned".to_owned(), second, before), "{count:?}: after a restart");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_rest_keeps_the_task_and_a_long_one_passes_it_on() {
    let service = TestService::of(team().build()).await;
    let first = service.given().await;
    service.set_presence(&first, &json!({"state": "paused", "until": service.in_minutes(15)})).await;
    assert_eq!((service.stands().await.0.as_str(), service.share_out().await), ("assigned", 0));
    service.set_presence(&first, &json!({"state": "paused"})).await;
    service.site.clock.pass(14 * 60);
    assert_eq!(service.stands().await.0, "assigned", "who pauses without an end may be back soon");
    service.site.clock.pass(61);
    assert_eq!(service.stands().await.0, "open");
    service.set_presence(&first, &json!({"state": "available"})).await;
    assert_eq!(service.stands().await.1.as_deref(), Some(first.as_str()), "nobody else has it yet");
    service.set_presence(&first, &json!({"state": "paused", "until": service.in_minutes(16)})).await;
    assert_eq!(service.share_out().await, 1);
    assert_ne!(service.stands().await.1.as_deref(), Some(first.as_str()));
}

/// Perhaps it is that very caller.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_talks_when_the_shift_ends_keeps_the_task_until_the_end_of_the_conversation() {
    let service = TestService::of(team().build()).await;
    let first = service.given().await;
    service.happens("out-1", "answered", Some(&first)).await;
    service.set_presence(&first, &json!({"state": "off_duty"})).await;
    assert_eq!((service.stands().await.0.as_str(), service.share_out().await), ("assigned", 0));
    service.happens("out-1", "ended", None).await;
    assert_eq!(service.stands().await.0, "open");
    // Until somebody else has it, she may say what came of it.
    let own = service.token("acme", Role::Agent, Some(&first)).await;
    let said = service.client.post(TASK, &json!({"outcome": "reached"})).token(&own).expect(200).await.json();
    assert_eq!((said["state"].as_str(), said["agent"].as_str()), (Some("reached"), Some(first.as_str())));
    assert_eq!(service.share_out().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_dropped_by_mistake_is_put_right_by_its_holder_or_a_lead() {
    for by_lead in [false, true] {
        let service = TestService::of(team().build()).await;
        let holder = service.given().await;
        let own = service.token("acme", Role::Agent, Some(&holder)).await;
        let dropped = service.client.post(TASK, &json!({"outcome": "dropped"})).token(&own).expect(200).await.json();
        assert_eq!((dropped["state"].as_str(), dropped["agent"].as_str()), (Some("dropped"), Some(holder.as_str())));
        assert_eq!(service.received().await.iter().sum::<f64>(), 0.0);
        service.site.clock.pass(1);
        let token = if by_lead { service.token("acme", Role::SalesLead, None).await } else { own };
        let reached = service.client.post(TASK, &json!({"outcome": "reached"})).token(&token).expect(200).await.json();
        assert_eq!((reached["state"].as_str(), reached["agent"].as_str()), (Some("reached"), Some(holder.as_str())));
        assert_eq!(service.received().await.iter().sum::<f64>(), 1.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_gives_a_task_to_somebody() {
    let service = TestService::of(team().build()).await;
    let first = service.given().await;
    let other = if first == "clara" { "boris" } else { "clara" };
    let (lead, own) =
        (service.token("acme", Role::SalesLead, None).await, service.token("acme", Role::Agent, Some(&first)).await);
    service.client.put(GIVE, &json!({"agent": other})).token(&own).expect(403).await;
    service.client.put(GIVE, &json!({"agent": "nobody"})).token(&lead).expect(422).await;
    let path = GIVE.replace("c-1", "c-9");
    service.client.put(&path, &json!({"agent": other})).token(&lead).expect(404).await;
    // Busy or not: nobody waits on the line.
    service.happens("x-1", "answered", Some(other)).await;
    for _ in 0..2 {
        let given = service.client.put(GIVE, &json!({"agent": other})).token(&lead).expect(200).await.json();
        assert_eq!((given["state"].as_str(), given["agent"].as_str()), (Some("assigned"), Some(other)));
    }
    assert_eq!((service.stands().await.2, service.share_out().await), (1.0, 0));
    let away = ["anna", "boris", "clara"].into_iter().find(|agent| *agent != other && *agent != first).unwrap();
    service.set_presence(away, &json!({"state": "off_duty"})).await;
    let refused = service.client.put(GIVE, &json!({"agent": away})).token(&lead).expect(409).await;
    assert_eq!(refused.code(), "not_now");
    service.client.post(TASK, &json!({"outcome": "reached"})).token(&lead).expect(200).await;
    service.client.put(GIVE, &json!({"agent": first})).token(&lead).expect(409).await;
    let service = service.restart().await;
    assert_eq!(service.stands().await, ("reached".to_owned(), Some(other.to_owned()), 1.0));
}

/// Who has a task is said by the last of its decisions, in whatever order they are folded, and however often.
#[test]
fn the_last_decision_says_who_has_a_task() {
    let mut policy = plain_policy("p", Mode::Percent, Count::Answered);
    policy.callback = CallbackRules::default();
    let mut floor = Floor::of_shares(&[1.0, 1.0, 1.0], policy);
    let missed = Floor::key("c-1");
    let mut asked = DecisionRecord::clone(&floor.decide("c-1"));
    asked.asked.caller = Some(CALLER.to_owned());
    floor = Floor::new(Arc::clone(floor.tally.workspace()));
    floor.tally.add_decision(Arc::new(asked));
    floor.pass(600.0);
    let head = |key: CallKey, sequence: u64, at| RecordHead {
        sequence,
        decision_id: uuid::Uuid::from_u128(u128::from(sequence)),
        call: key,
        attempt: u32::try_from(sequence).unwrap() - 1,
        received_at: at,
        feed: Feed::Silent { hold_seconds: 0 },
    };
    let task = task_of(&floor.tally, &missed, floor.now).unwrap();
    let made = |floor: &Floor, sequence, choice: Choice, by_hand| {
        Arc::new(record(head(callback_key(&missed), sequence, floor.now), &task, choice, by_hand))
    };
    let one = made(&floor, 2, choice(&floor.tally, &floor.shares, &task, floor.now).unwrap(), false);
    let had = one.decision.targets[0].agent.clone();
    let other = if had.as_str() == "a002" { "a001" } else { "a002" };
    floor.pass(60.0);
    let named = given_by_hand(&floor.tally, &floor.shares, &task, &other.into(), floor.now).unwrap();
    let two = made(&floor, 3, named, true);
    for order in [[&one, &two, &two], [&two, &one, &two], [&two, &one, &one]] {
        let mut state = CallState::new(callback_key(&missed));
        order.into_iter().for_each(|record| state.add_decision(Arc::clone(record)));
        let recent = state.recent().unwrap();
        assert_eq!((recent.offered.unwrap().as_str(), recent.named_at), (other, floor.now));
        let parts = state.parts(floor.now);
        assert_eq!(parts.len(), 1, "charged once");
        assert_eq!(parts[0].contribution.lambda.members[parts[0].contribution.member as usize].as_str(), other);
    }
}
