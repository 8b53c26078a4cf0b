//! Never a dead line: whoever can be rung is named, else the fallback; and every PBX gets something it can act on.

use std::collections::BTreeSet;

use meritline::core::call::CallEventType;
use meritline::core::distribution::choose::{self, Question};
use meritline::core::phone_number::PhoneNumber;
use meritline::core::policy::{Count, MissedOffers, MobileCallers, Mode, PersonalManager, Policy};
use meritline::core::record::PresenceState;
use meritline::core::workspace::{GroupIx, MemberRef, Workspace};
use meritline::http::access::Role;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CALLER, service};
use crate::support::fakes::Mood;
use crate::support::floor::{Floor, plain_policy, workspace};
use crate::support::service::{TestService, secret};

const AGENTS: [&str; 5] = ["anna", "boris", "clara", "denis", "elena"];

/// A floor in some state: two groups under one, shares of which some are 0, people somewhere between here and away.
#[derive(Debug, Clone)]
struct State {
    bases: [u8; 7],
    policy: Policy,
    presence: [PresenceState; 5],
    /// Who talks, and who missed so many offers in a row.
    talks: [bool; 5],
    missed: [u8; 5],
    responsible: Option<usize>,
    tried: BTreeSet<usize>,
    has_fallback: bool,
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let mode = prop_oneof![Just(Mode::Percent), Just(Mode::EqualCalls), Just(Mode::EqualTalkTime)];
    let manager = prop_oneof![Just(PersonalManager::Off), Just(PersonalManager::Prefer), Just(PersonalManager::Only)];
    let count = prop_oneof![Just(Count::Answered), Just(Count::Offered)];
    (mode, manager, count, any::<bool>(), any::<bool>(), any::<bool>(), 1usize..4).prop_map(
        |(mode, personal_manager, count, busy_stage, pauses, mobile, targets_max)| {
            let mut policy = Policy { personal_manager, ..plain_policy("p", mode, count) };
            policy.dialling.busy_stage = busy_stage;
            policy.dialling.targets_max = targets_max;
            policy.dialling.mobile_callers = mobile.then_some(MobileCallers { targets_max: 1, ring_seconds: 12 });
            policy.callback = Default::default();
            if pauses {
                policy.missed_offers = MissedOffers { missed: Some(2), ..MissedOffers::default() };
            }
            policy
        },
    )
}

fn any_state() -> impl Strategy<Value = State> {
    let presence =
        prop_oneof![2 => Just(PresenceState::Available), 1 => Just(PresenceState::Paused), 1 => Just(PresenceState::OffDuty)];
    let state = (
        prop::array::uniform7(0u8..4),
        any_policy(),
        prop::array::uniform5(presence),
        prop::array::uniform5(any::<bool>()),
        prop::array::uniform5(0u8..4),
        prop::option::of(0usize..5),
        prop::collection::btree_set(0usize..5, 0..5),
        any::<bool>(),
    );
    state.prop_map(|(bases, policy, presence, talks, missed, responsible, tried, has_fallback)| State {
        bases,
        policy,
        presence,
        talks,
        missed,
        responsible,
        tried,
        has_fallback,
    })
}

/// Groups `north` (anna, boris, clara), `south` (clara, denis, elena), and `all` of both. A group whose shares sum to 0 is refused
/// by a file: its first member gets one.
fn floor(state: &State) -> Floor {
    let base = |at: usize| f64::from(state.bases[at]);
    let some = |first: f64, rest: f64| if first + rest > 0.0 { first } else { 1.0 };
    let north = [("anna", some(base(0), base(1) + base(2))), ("boris", base(1)), ("clara", base(2))];
    let south = [("clara", some(base(3), base(4))), ("denis", base(4)), ("elena", 0.0)];
    let all = [("north", some(base(5), base(6))), ("south", base(6))];
    let groups = [("all", "p", &all[..]), ("north", "p", &north[..]), ("south", "p", &south[..])];
    let mut floor = Floor::new(workspace(&groups, vec![state.policy.clone()]));
    for (at, agent) in AGENTS.into_iter().enumerate() {
        for miss in 0..state.missed[at] {
            let call = format!("missed-{agent}-{miss}");
            floor.event(&call, CallEventType::Offered, Some(agent));
            floor.pass(20.0);
            floor.event(&call, CallEventType::Missed, Some(agent));
            floor.event(&call, CallEventType::Ended, None);
        }
        if state.talks[at] {
            floor.event(&format!("talk-{agent}"), CallEventType::Answered, Some(agent));
        }
        floor.set_presence(agent, state.presence[at]);
    }
    floor
}

/// Everybody whom a group leads to by shares above 0.
fn reachable(workspace: &Workspace, group: GroupIx) -> BTreeSet<String> {
    let members = workspace.group(group).members.iter().filter(|member| member.base > 0.0);
    let below = members.flat_map(|member| match member.who {
        MemberRef::Agent(agent) => BTreeSet::from([workspace.agent(agent).id.to_string()]),
        MemberRef::Group(group) => reachable(workspace, group),
    });
    below.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whoever_is_here_is_named_else_the_fallback(state in any_state()) {
        let floor = floor(&state);
        let caller = PhoneNumber::parse(CALLER, "RU").unwrap();
        let exclude: Vec<_> = state.tried.iter().map(|at| AGENTS[*at].into()).collect();
        let call = Floor::key("c-1");
        let question = Question {
            call: &call,
            group: GroupIx(0),
            now: floor.now,
            exclude: &exclude,
            responsible: state.responsible.map(|at| floor.agent_ix(AGENTS[at])),
            caller: Some(&caller),
            has_fallback: state.has_fallback,
            can_be_called_back: false,
        };
        let choice = choose::choose(&floor.tally, &floor.shares, &question);
        let is_here = |agent: &str| state.presence[AGENTS.iter().position(|known| *known == agent).unwrap()] == PresenceState::Available;
        let here: Vec<String> = reachable(floor.tally.workspace(), GroupIx(0)).into_iter().filter(|agent| is_here(agent)).collect();
        let talks = |agent: &String| state.talks[AGENTS.iter().position(|known| known == agent).unwrap()];
        // Tried before, excluded, in a row of missed offers: it does not matter. Who talks is rung where nothing else is left.
        if !state.has_fallback {
            prop_assert!(here.is_empty() || !choice.targets.is_empty(), "{here:?} could be rung");
        }
        let by_credit = state.policy.personal_manager != PersonalManager::Only;
        let is_paused_for_misses = |agent: &String| state.missed[AGENTS.iter().position(|known| known == agent).unwrap()] >= 2;
        let can = |agent: &&String| !talks(agent) && (state.policy.missed_offers == MissedOffers::OFF || !is_paused_for_misses(agent));
        if by_credit && here.iter().any(|agent| can(&agent)) {
            prop_assert!(!choice.targets.is_empty(), "{here:?} are free");
        }
        for target in &choice.targets {
            prop_assert!(is_here(target.agent.as_str()), "{} is not here", target.agent);
            prop_assert!(!target.numbers.is_empty() && target.ring_seconds > 0);
        }
    }
}

/// Everybody's presence, whether the CRM answers, and what of all that each PBX is told.
async fn everything(service: &TestService, call: &str) -> [Value; 3] {
    let native = service.answered(call, Some(CALLER)).await;
    let token = secret("acme", "uis");
    let path = format!("/hooks/acme/uis?token={token}&call_session_id={call}&numa=79161234567&numb=74951112233");
    let uis = service.client.get(&path).send().await;
    let token = secret("acme", "exolve");
    let body = json!({"id": "7", "jsonrpc": "2.0", "method": "getControlCallFollowMe",
        "params": {"sip_id": "74951112233", "numberA": "79161234567", "call_sid": call}});
    let exolve = service.client.post(&format!("/hooks/acme/exolve?token={token}"), &body).expect(200).await;
    [native, json!({"status": uis.status, "body": uis.json()}), exolve.json()["result"]["followme_struct"][1].take()]
}

async fn set_everybody(service: &TestService, state: &str) {
    let lead = service.token("acme", Role::SalesLead, None).await;
    for agent in ["anna", "boris", "clara"] {
        let path = format!("/api/v1/workspaces/acme/agents/{agent}/presence");
        service.client.put(&path, &json!({"state": state, "reason": "test"})).token(&lead).expect(200).await;
    }
}

/// Outcome, fallback or none, nobody on duty, everybody paused, a CRM that fails: every answer is one that its PBX can act on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pbx_can_act_on_every_answer() {
    let outcomes = ["group: sales", "reject: {}", "branch: night", "callback: {group: sales}"];
    for outcome in outcomes {
        for fallback in ["", ", fallback: {number: \"+74951112200\"}"] {
            if outcome == "reject: {}" && !fallback.is_empty() {
                continue;
            }
            let service = service(&format!("\n  - {{id: main, {outcome}{fallback}}}")).await;
            for (number, (presence, mood)) in
                [("available", Mood::Errors), ("paused", Mood::Answers), ("off_duty", Mood::Errors)].into_iter().enumerate()
            {
                set_everybody(&service, presence).await;
                service.site.directory.set_mood(mood);
                let said = everything(&service, &format!("c-{number}")).await;
                acted_on(outcome, !fallback.is_empty(), presence == "available", &said);
            }
        }
    }
}

fn acted_on(outcome: &str, has_fallback: bool, is_here: bool, [native, uis, exolve]: &[Value; 3]) {
    let at = format!("{outcome} {has_fallback} {is_here}: {native} {uis} {exolve}");
    let rings = outcome == "group: sales";
    let word = match outcome {
        "reject: {}" => "reject",
        "branch: night" => "branch",
        "callback: {group: sales}" => "callback",
        _ => "ring",
    };
    assert_eq!(native["outcome"], word, "{at}");
    assert_eq!(native["fallback"].is_object(), has_fallback, "{at}");
    assert_eq!(native["targets"].as_array().unwrap().is_empty(), !(rings && is_here), "{at}");
    // UIS answers labels here; without a label for nobody it would be 404, so that the step's else branch runs.
    let label = match word {
        "reject" => "refuse",
        "branch" => "night_menu",
        "callback" => "we_call",
        _ if is_here => "all",
        _ => "nobody",
    };
    assert_eq!(*uis, json!({"status": 200, "body": {"returned_code": label}}), "{at}");
    // Exolve: somebody, else the fallback, else an empty list and the platform's own reserve number.
    let legs = exolve.as_array().unwrap();
    assert_eq!(legs.is_empty(), !(has_fallback || (rings && is_here)), "{at}");
}

/// 4 to 5 rings per target, unless the file says otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_rings_twenty_seconds() {
    let service = service("\n  - {id: main, group: sales, fallback: {number: \"+74951112200\"}}").await;
    let answer = service.answered("c-1", Some(CALLER)).await;
    let seconds: Vec<u64> =
        answer["targets"].as_array().unwrap().iter().map(|target| target["ring_seconds"].as_u64().unwrap()).collect();
    assert_eq!(seconds, [20, 20]);
}
