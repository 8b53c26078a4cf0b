//! Callers who call again and again: what settles a missed call, who has the context, and what of it moves credit.

use std::sync::Arc;

use jiff::SignedDuration;
use meritline::broker::ports::Clock;
use meritline::broker::store::PageRequest;
use meritline::core::call::CallEventType::{Answered, Ended, Missed, Transferred};
use meritline::core::decision::Reason;
use meritline::core::distribution::callback::CallbackRules;
use meritline::core::distribution::choose::{self, Choice, Question, RecordHead};
use meritline::core::ids::AgentId;
use meritline::core::phone_number::PhoneNumber;
use meritline::core::policy::{Count, Mode, PersonalManager, Policy};
use meritline::core::proving::uplift::OfferedCall;
use meritline::core::record::{Asked, DecisionRecord, Feed};
use meritline::core::workspace::{AgentIx, GroupIx, PolicyIx};
use meritline::http::access::Role;
use serde_json::json;

use super::{CALLER, LANDLINE, question, team};
use crate::support::floor::{Floor, plain_policy, workspace};
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

impl TestService {
    async fn say(&self, missed: &str, outcome: &str) {
        let lead = self.token("acme", Role::SalesLead, None).await;
        let path = format!("/api/v1/workspaces/acme/callbacks/pbx/{missed}");
        self.client.post(&path, &json!({"outcome": outcome})).token(&lead).expect(200).await;
    }

    async fn owed(&self) -> Vec<f64> {
        let lead = self.token("acme", Role::SalesLead, None).await;
        let shares = self.client.read("groups/sales/shares", &lead).expect(200).await.json();
        shares["members"].as_array().unwrap().iter().map(|member| member["owed"].as_f64().unwrap()).collect()
    }

    /// All calls of the last two days in the explanation of shares.
    async fn explained_calls(&self) -> f64 {
        let lead = self.token("acme", Role::SalesLead, None).await;
        let now = self.site.clock.now();
        let from = now.checked_sub(SignedDuration::from_hours(24)).unwrap();
        let until = now.checked_add(SignedDuration::from_hours(1)).unwrap();
        let path = format!("groups/sales/shares/explanation?from={from}&until={until}");
        self.client.read(&path, &lead).expect(200).await.json()["total"].as_f64().unwrap()
    }
}

fn caller() -> PhoneNumber {
    PhoneNumber::parse(CALLER, "RU").unwrap()
}

/// The caller asks for a group; the decision is folded.
fn ask(floor: &mut Floor, call: &str, group: GroupIx, responsible: Option<AgentIx>) -> Choice {
    let (key, caller) = (Floor::key(call), caller());
    let now = floor.now;
    let question = Question {
        call: &key,
        group,
        now,
        exclude: &[],
        responsible,
        caller: Some(&caller),
        has_fallback: true,
        can_be_called_back: true,
    };
    let choice = choose::choose(&floor.tally, &floor.shares, &question);
    let sequence = floor.tally.sequence() + 1;
    let decision_id = uuid::Uuid::from_u128(u128::from(sequence));
    let head = RecordHead { sequence, decision_id, call: key, attempt: 1, received_at: now, feed: Feed::Events };
    let record = choice.clone().into_record(head);
    let asked = Asked { caller: Some(CALLER.to_owned()), ..record.asked.clone() };
    floor.tally.add_decision(Arc::new(DecisionRecord { asked, ..record }));
    choice
}

fn first(choice: &Choice) -> Option<&str> {
    choice.targets.first().map(|target| target.agent.as_str())
}

fn calling_back() -> Policy {
    Policy { callback: CallbackRules::default(), ..plain_policy("p", Mode::Percent, Count::Answered) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_reached_once_is_called_back_for_none_of_the_missed_calls() {
    let service = TestService::of(team().build()).await;
    service.missed("c-1", CALLER).await;
    service.missed("c-2", CALLER).await;
    assert_eq!(service.share_out().await, 1);
    service.say("c-1", "reached").await;
    let states: Vec<(String, String)> =
        service.tasks().await.iter().map(|task| (text(task, "call_id"), text(task, "state"))).collect();
    assert_eq!(states, [("c-1".to_owned(), "reached".to_owned()), ("c-2".to_owned(), "dropped".to_owned())]);
    assert_eq!(service.share_out().await, 0);
    assert_eq!(service.received().await.iter().sum::<f64>(), 1.0);
    // Missed once more after that is missed anew.
    service.site.clock.pass(60);
    service.missed("c-3", CALLER).await;
    assert_eq!(service.share_out().await, 1);
}

fn text(task: &serde_json::Value, field: &str) -> String {
    task[field].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_settles_what_was_missed_before_it() {
    let service = TestService::of(team().build()).await;
    let who_missed = service.missed("c-1", CALLER).await;
    service.happens("x", "answered", Some(&who_missed)).await;
    let who_talked = service.talked("c-2", CALLER, 60).await;
    assert_ne!(who_talked, who_missed, "who missed the call talks to somebody else");
    service.happens("x", "ended", None).await;
    service.site.clock.pass(11 * 60);
    let again = service.client.ask(&question("c-3", Some(CALLER))).expect(200).await;
    assert_eq!(again.json()["reason"], "percent", "nobody was cut off or missed since");
}

/// Missed, given to somebody to call back; the caller is faster, so the task costs nothing: not even once the missed call itself
/// is forgotten, a day after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_cost_nothing_costs_nothing_once_its_missed_call_is_forgotten() {
    let service = TestService::of(team().build()).await;
    service.missed("c-1", CALLER).await;
    service.site.clock.pass(20 * 3600);
    assert_eq!(service.share_out().await, 1);
    service.site.clock.pass(300);
    service.talked("c-2", CALLER, 60).await;
    assert_eq!(service.received().await.iter().sum::<f64>(), 1.0);
    service.site.clock.pass(4 * 3600);
    service.talked("c-3", LANDLINE, 60).await;
    service.talked("c-4", CALLER, 60).await;
    assert_eq!(service.received().await.iter().sum::<f64>(), 3.0, "three conversations, no fourth call");
}

/// The same with thousands of calls in between, after a restart: what is folded in parts gives what was folded live.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_with_thousands_of_calls_in_between_owes_the_same() {
    let members = [("anna", 1.0), ("boris", 1.0), ("clara", 1.0)];
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "boris", "clara"])
        .policy("even", |policy| {
            policy.callback = CallbackRules::default();
            policy.period_seconds = 24 * 3600;
        })
        .group("sales", "even", &members)
        .route("main", "sales");
    let service = TestService::of(workspace.build()).await;
    service.missed("c-1", CALLER).await;
    assert_eq!(service.share_out().await, 1);
    for number in 0..2200 {
        service.client.ask(&question(&format!("w-{number}"), None)).expect(200).await;
    }
    service.site.clock.pass(10 * 3600);
    service.talked("c-2", CALLER, 60).await;
    service.site.clock.pass(20 * 3600);
    let live = service.owed().await;
    let service = service.restart().await;
    let folded = service.owed().await;
    let close = live.iter().zip(&folded).all(|(live, folded)| (live - folded).abs() < 1e-9);
    assert!(close, "live {live:?}, after the restart {folded:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_no_offered_call_and_a_needless_one_no_part_of_the_explanation() {
    let service = TestService::of(team().build()).await;
    service.missed("c-1", CALLER).await;
    assert_eq!(service.share_out().await, 1);
    let page = PageRequest { limit: 100, ..PageRequest::default() };
    let decisions = service.store.decisions(&"acme".into(), page).await.unwrap().items;
    let workspace = &service.tenants.find("acme").unwrap().workspace;
    let offered = decisions.iter().filter_map(|record| OfferedCall::of(record, workspace, PolicyIx(0))).count();
    assert_eq!((decisions.len(), offered), (2, 1));

    assert_eq!(service.explained_calls().await, 1.0, "a task is charged like a call");
    service.site.clock.pass(300);
    service.talked("c-2", CALLER, 60).await;
    assert_eq!(service.explained_calls().await, 1.0, "the conversation, and nothing for the task");

    service.missed("c-3", LANDLINE).await;
    service.share_out().await;
    assert_eq!(service.explained_calls().await, 2.0);
    service.say("c-3", "dropped").await;
    assert_eq!(service.explained_calls().await, 1.0);
}

#[test]
fn an_own_client_who_calls_again_is_still_an_own_client() {
    let policy = Policy { personal_manager: PersonalManager::Prefer, ..calling_back() };
    let mut floor = Floor::of_shares(&[1.0, 1.0], policy);
    let own = Some(AgentIx(0));
    assert!(!ask(&mut floor, "c-1", GroupIx(0), own).moves_credit);
    floor.event("c-1", Missed, Some("a000"));
    floor.event("c-1", Ended, None);
    let again = ask(&mut floor, "c-2", GroupIx(0), own);
    assert_eq!((first(&again), again.reason, again.moves_credit), (Some("a000"), Reason::PersonalManager, false));
}

#[test]
fn who_has_the_context_is_not_rung_through_a_group_without_a_share() {
    let groups = [
        ("top", "p", [("one", 1.0), ("two", 0.0)].as_slice()),
        ("one", "p", [("anna", 1.0)].as_slice()),
        ("two", "p", [("boris", 1.0)].as_slice()),
    ];
    let mut floor = Floor::new(workspace(&groups, vec![calling_back()]));
    assert_eq!(first(&ask(&mut floor, "c-1", GroupIx(2), None)), Some("boris"));
    floor.event("c-1", Missed, Some("boris"));
    floor.event("c-1", Ended, None);
    assert_eq!(first(&ask(&mut floor, "c-2", GroupIx(0), None)), Some("anna"));
}

#[test]
fn a_conversation_that_came_back_goes_on() {
    let mut floor = Floor::of_shares(&[1.0, 1.0], calling_back());
    ask(&mut floor, "c-1", GroupIx(0), None);
    floor.event("c-1", Answered, Some("a000"));
    for (from, to) in [("a000", "a001"), ("a001", "a000")] {
        floor.pass(30.0);
        let mut transfer = floor.make_event("c-1", Transferred, Some(from));
        transfer.event.to_agent = Some(AgentId::from(to));
        floor.tally.add_event(&transfer);
    }
    floor.pass(30.0);
    let talked = |floor: &Floor| floor.tally.recent().get(&Floor::key("c-1")).unwrap().talked.clone();
    assert_eq!(talked(&floor), Some(("a000".into(), None)));
    floor.event("c-1", Ended, None);
    assert_eq!(talked(&floor), Some(("a000".into(), Some(floor.now))));
}

#[test]
fn a_transferred_call_was_not_missed_though_its_answer_was_never_told() {
    let mut floor = Floor::of_shares(&[1.0, 1.0], calling_back());
    ask(&mut floor, "c-1", GroupIx(0), None);
    let mut transfer = floor.make_event("c-1", Transferred, None);
    transfer.event.to_agent = Some("a001".into());
    floor.tally.add_event(&transfer);
    floor.event("c-1", Ended, None);
    assert_eq!(floor.tally.recent().get(&Floor::key("c-1")).unwrap().missed_at, None);
}
