//! Changes in the middle of a call: everybody paused, an agent removed, a policy changed, a workspace half changed.

use std::sync::Arc;

use meritline::core::call::CallEventType::{Answered, Ended, Missed, Offered};
use meritline::core::policy::{Count, Mode};
use meritline::core::record::MemberStanding;
use meritline::core::shares::share_board::ShareBoard;
use meritline::core::workspace::{AgentIx, GroupIx, Workspace};
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::floor::{Floor, plain_policy, workspace};
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

fn near(owed: &[f64], expected: &[f64]) {
    assert_eq!(owed.len(), expected.len());
    // Credit fades by half in a day: in the few seconds of these tests by less than a thousandth.
    assert!(owed.iter().zip(expected).all(|(owed, expected)| (owed - expected).abs() < 1e-3), "{owed:?} is not {expected:?}");
}

/// Goes on under another version of the workspace, as an applied file does.
fn bind(floor: &mut Floor, workspace: Arc<Workspace>) {
    floor.shares = ShareBoard::of_base(&workspace);
    floor.tally.bind(workspace);
}

fn of(members: &[(&str, f64)], mode: Mode, count: Count) -> Arc<Workspace> {
    workspace(&[("team", "p", members)], vec![plain_policy("p", mode, count)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_everybody_is_paused_calls_go_to_the_fallback() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna", "boris"]).build()).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    for agent in ["anna", "boris"] {
        let path = format!("/api/v1/workspaces/acme/agents/{agent}/presence");
        service.client.put(&path, &json!({"state": "paused"})).token(&lead).expect(200).await;
    }
    let answer = service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await.json();
    assert_eq!((&answer["reason"], &answer["targets"]), (&json!("fallback"), &json!([])));
    assert_eq!((&answer["fallback"]["number"], &answer["degraded"]), (&json!("+74951112200"), &json!([])));
    let shares = service.client.read("groups/sales/shares", &lead).expect(200).await.json();
    let owed: Vec<&Value> = shares["members"].as_array().unwrap().iter().map(|member| &member["owed"]).collect();
    assert_eq!(owed, [&json!(0.0), &json!(0.0)], "a decision with nobody to ring leaves no trace");
    service.site.clock.pass(1);
    let path = "/api/v1/workspaces/acme/agents/boris/presence";
    service.client.put(path, &json!({"state": "available"})).token(&lead).expect(200).await;
    assert_eq!(service.client.ask(&json!({"call_id": "c-2", "called": "+74951112233"})).expect(200).await.agents(), ["boris"]);
}

/// Three with equal shares: the call owed a third to each, and Anna was charged for it. That stays with Boris and Clara.
#[test]
fn an_agent_removed_in_a_call_leaves_the_credit_of_the_others_as_it_is() {
    let three = [("anna", 1.0), ("boris", 1.0), ("clara", 1.0)];
    let mut floor = Floor::new(of(&three, Mode::Percent, Count::Answered));
    floor.decide("c1");
    floor.event("c1", Answered, Some("anna"));
    bind(&mut floor, of(&three[1..], Mode::Percent, Count::Answered));
    floor.pass(10.0);
    near(&floor.owed(GroupIx(0)), &[1.0 / 3.0, 1.0 / 3.0]);
    let talking = floor.decide("c2");
    let rung: Vec<&str> = talking.decision.targets.iter().map(|target| target.agent.as_str()).collect();
    assert_eq!(rung, ["boris", "clara"], "nobody rings Anna");
    // Boris takes it: half a call was due to each. 1/3 + 1/2 - 1 and 1/3 + 1/2 are moved to a mean of 0, as after every pick.
    floor.event("c2", Answered, Some("boris"));
    floor.event("c1", Ended, Some("anna"));
    floor.event("c1", Ended, None);
    floor.pass(10.0);
    near(&floor.owed(GroupIx(0)), &[-0.5, 0.5]);
    bind(&mut floor, of(&three, Mode::Percent, Count::Answered));
    near(&floor.owed(GroupIx(0)), &[-2.0 / 3.0, -0.5, 0.5]);
    assert_eq!(floor.tally.agent(AgentIx(0)).holds, [], "the call's end was heard");
}

/// A PBX that knows numbers only: what comes of Anna's call is still Anna's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_removed_agents_call_still_name_the_agent() {
    let sample = |members: &[&str]| {
        let members: Vec<(&str, f64)> = members.iter().map(|agent| (*agent, 1.0)).collect();
        SampleWorkspace::new("acme").policy("even", |_| {}).agents(&["boris", "clara"]).group("sales", "even", &members)
    };
    let with_anna = sample(&["anna", "boris", "clara"]).agents(&["anna"]).route("main", "sales").build();
    let mut service = TestService::of(with_anna).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let asked = json!({"call_id": "c-1", "called": "+74951112233"});
    let first = service.client.ask(&asked).expect(200).await.json();
    assert_eq!(first["targets"][0]["agent"], "anna");
    assert_eq!(first["targets"][0]["numbers"][0]["value"], "102");
    service.apply(sample(&["boris", "clara"]).route("main", "sales").build()).await;
    let event = |id: &str, kind: &str| json!({"event_id": id, "call_id": "c-1", "type": kind, "number": "102", "at": "2026-11-23T06:00:05Z"});
    service.client.tell(&json!([event("e-1", "answered"), event("e-2", "ended")])).expect(200).await;
    let events = service.client.read("events", &lead).expect(200).await.json();
    for item in events["items"].as_array().unwrap() {
        assert_eq!((&item["agent"], &item["unknown_agent"]), (&json!("anna"), &json!(true)), "{item}");
    }
    // A third of the call was due to each; without the name it would look answered by a stranger, and give that back.
    let shares = service.client.read("groups/sales/shares", &lead).expect(200).await.json();
    for member in shares["members"].as_array().unwrap() {
        assert!((member["owed"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-9, "{member}");
    }
    assert_eq!(service.client.ask(&asked).expect(200).await.json(), first, "a retry still gets its answer");
}

/// At 3 : 1 the call owes three quarters to Anna, who takes it when shares are equal already.
#[test]
fn a_call_is_charged_by_the_policy_that_decided_it() {
    let mut floor = Floor::new(of(&[("anna", 3.0), ("boris", 1.0)], Mode::Percent, Count::Answered));
    let record = floor.decide("c1");
    assert_eq!(record.decision.targets[0].agent.as_str(), "anna");
    let mut later = plain_policy("p", Mode::EqualCalls, Count::Answered);
    later.dialling.ring_seconds = 60;
    bind(&mut floor, workspace(&[("team", "p", &[("anna", 3.0), ("boris", 1.0)])], vec![later]));
    let reserved = |floor: &Floor| {
        let guard = &floor.tally.workspace().policies[0].guard;
        floor.tally.agent(AgentIx(0)).standing(guard, floor.now, None) == MemberStanding::Reserved
    };
    // Rung for 20 s, and 5 s more until the PBX has told.
    floor.pass(24.0);
    assert!(reserved(&floor));
    floor.pass(2.0);
    assert!(!reserved(&floor), "for as long as it was told to ring");
    floor.event("c1", Answered, Some("anna"));
    near(&floor.owed(GroupIx(0)), &[-0.25, 0.25]);
}

/// Under `answered` a missed offer gives all back; under `offered` Anna would have been charged for hers.
#[test]
fn what_counts_is_what_counted_when_it_was_decided() {
    let members = [("anna", 1.0), ("boris", 1.0)];
    let mut floor = Floor::new(of(&members, Mode::Percent, Count::Answered));
    floor.decide("c1");
    bind(&mut floor, of(&members, Mode::Percent, Count::Offered));
    for (kind, agent) in [(Offered, "anna"), (Missed, "anna"), (Answered, "boris")] {
        floor.pass(5.0);
        floor.event("c1", kind, Some(agent));
    }
    near(&floor.owed(GroupIx(0)), &[0.5, -0.5]);
}

/// A change of `count` starts credit again at 0: a call decided before it moves nothing any more, whatever comes of it.
#[test]
fn a_call_from_before_a_reset_moves_nothing() {
    let members = [("anna", 1.0), ("boris", 1.0)];
    let mut floor = Floor::new(of(&members, Mode::Percent, Count::Answered));
    floor.decide("c1");
    floor.pass(1.0);
    bind(&mut floor, of(&members, Mode::Percent, Count::Offered));
    floor.tally.reset_credit(&"team".into(), floor.now);
    floor.pass(1.0);
    floor.event("c1", Answered, Some("anna"));
    assert_eq!(floor.owed(GroupIx(0)), [0.0, 0.0]);
    // Asked about again, it is decided under the new policy; whoever it named before is still charged as it was then.
    floor.event("c1", Missed, Some("anna"));
    let again = floor.decide("c1");
    assert_eq!((again.groups[0].count, again.decision.targets[0].agent.as_str()), (Count::Offered, "boris"));
    assert_eq!(floor.owed(GroupIx(0)), [0.0, 0.0]);
    floor.decide("c2");
    near(&floor.owed(GroupIx(0)), &[-0.5, 0.5]);
}

/// A hook that was received before the new version runs, and is decided when it does: groups and agents have other
/// positions, the call still goes to its own group, with its own shares.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_received_while_the_workspace_changes_goes_to_its_group() {
    let sales = |sample: SampleWorkspace| sample.group("sales", "p", &[("anna", 1.0), ("boris", 3.0)]);
    let before = sales(SampleWorkspace::new("acme").policy("p", |_| {}).agents(&["anna", "boris", "clara"]));
    let before = before.group("service", "p", &[("clara", 1.0)]).route("main", "sales").build();
    let after = SampleWorkspace::new("acme").policy("p", |_| {}).agents(&["clara", "boris", "anna"]);
    let after = sales(after.group("service", "p", &[("clara", 1.0)])).route("main", "sales").build();
    let service = TestService::of(before).await;
    service.store.open(after, meritline::broker::ports::Clock::now(&*service.site.clock)).await.unwrap();
    let answer = service.client.ask(&json!({"call_id": "c-1", "called": "+74951112233"})).expect(200).await;
    assert_eq!(answer.agents(), ["boris", "anna"]);
    assert_eq!(answer.json()["targets"][0]["share"], 0.75);
    // A group that is gone has nobody to ring: the fallback.
    let gone = SampleWorkspace::new("acme").policy("p", |_| {}).agents(&["clara"]).group("service", "p", &[("clara", 1.0)]);
    let gone = gone.route("main", "service").build();
    service.store.open(gone, meritline::broker::ports::Clock::now(&*service.site.clock)).await.unwrap();
    let answer = service.client.ask(&json!({"call_id": "c-2", "called": "+74951112233"})).expect(200).await.json();
    assert_eq!((&answer["reason"], &answer["fallback"]["number"]), (&json!("fallback"), &json!("+74951112200")));
}

#[test]
fn shares_are_carried_to_another_version_by_group_and_members() {
    let policies = || vec![plain_policy("p", Mode::Percent, Count::Answered)];
    let team = |base: f64| [("anna", base), ("boris", 1.0)];
    let before = workspace(&[("team", "p", &team(3.0)), ("other", "p", &[("clara", 1.0), ("denis", 1.0)])], policies());
    let board = ShareBoard::of_base(&before);
    let after = workspace(&[("other", "p", &[("clara", 1.0), ("eva", 4.0)]), ("team", "p", &team(1.0))], policies());
    let carried = board.carried(&before, &after);
    assert_eq!(*carried.group(GroupIx(1)).unwrap().published, [0.75, 0.25], "the same members: what was published");
    assert_eq!(*carried.group(GroupIx(0)).unwrap().published, [0.2, 0.8], "other members: their base");
}
