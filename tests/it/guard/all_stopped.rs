//! Everybody rests: each entry of the order, and what is never done.

use meritline::core::call::CallEventType;
use meritline::core::decision::{Reason, Stage};
use meritline::core::load::guard::Indicator;
use meritline::core::policy::{Guard, PersonalManager, WhenAllStopped};
use meritline::core::record::{AllStopped, DecisionRecord, MemberStanding, PresenceState};
use meritline::core::routing::route::Outcome;
use meritline::core::workspace::{FaultKind, GroupIx, Workspace, WorkspaceParts};

use super::floor::{expected, guarded, only, standings};
use crate::support::floor::{Floor, listed, near, workspace};

fn by_calls(order: &[WhenAllStopped]) -> Guard {
    Guard { when_all_stopped: order.to_vec(), ..only(Indicator::CallsPerHour, 10.0, 14.0) }
}

fn support() -> WhenAllStopped {
    WhenAllStopped::Group("support".into())
}

/// Sales of anna and boris by `order`, support of clara and denis that does nothing else.
fn floor(order: &[WhenAllStopped]) -> Floor {
    let sales = [("anna", 1.0), ("boris", 1.0)];
    let groups = [("sales", "p", &sales[..]), ("support", "q", &[("clara", 1.0), ("denis", 1.0)][..])];
    Floor::new(workspace(&groups, vec![guarded("p", by_calls(order)), guarded("q", by_calls(&[WhenAllStopped::Fallback]))]))
}

fn stop(floor: &mut Floor, agent: &str, calls: u32) {
    for call in 0..calls {
        floor.event(&format!("{agent}{call}"), CallEventType::Answered, Some(agent));
        floor.event(&format!("{agent}{call}"), CallEventType::Ended, None);
    }
}

fn order_taken(record: &DecisionRecord) -> Option<&AllStopped> {
    record.groups[0].guard.all_stopped.as_ref()
}

#[test]
fn the_backup_number_is_what_is_done_unless_said() {
    let mut floor = floor(&Guard::default().when_all_stopped);
    stop(&mut floor, "anna", 14);
    assert_eq!(listed(&floor.decide("a")), [("boris", Stage::Free)], "somebody is left");
    floor.event("a", CallEventType::Ended, None);
    stop(&mut floor, "boris", 15);
    let record = floor.decide("b");
    assert_eq!((record.decision.reason, listed(&record).len()), (Reason::Fallback, 0));
    assert_eq!(order_taken(&record), Some(&AllStopped::Fallback));
    assert_eq!((record.groups[0].group.as_str(), standings(&record)), ("sales", &[MemberStanding::Stopped; 2][..]));
    assert!(floor.owed(GroupIx(0)).iter().all(|owed| owed.abs() < 1.0), "it leaves no trace");
}

#[test]
fn another_group_takes_the_call_by_its_own_policy() {
    let mut floor = floor(&[support(), WhenAllStopped::Fallback]);
    stop(&mut floor, "anna", 14);
    stop(&mut floor, "boris", 14);
    let record = floor.decide("a");
    assert_eq!((record.decision.reason, listed(&record)[0].0), (Reason::Percent, "clara"));
    assert_eq!(order_taken(&record), Some(&AllStopped::Group("support".into())));
    let groups: Vec<&str> = record.groups.iter().map(|view| view.group.as_str()).collect();
    assert_eq!(groups, ["sales", "support"]);
    let step = record.paths[0][0];
    assert_eq!((record.groups[step.group as usize].group.as_str(), step.member), ("support", 0));
    assert_eq!(record.decision.targets[0].groups[0].as_str(), "support");
    floor.event("a", CallEventType::Answered, Some("clara"));
    near(&floor.owed(floor.group_ix("support")), &[-0.5, 0.5], 1e-9);
    near(&floor.owed(floor.group_ix("sales")), &[0.0, 0.0], 1e-9);
}

#[test]
fn a_group_that_cannot_is_passed_over() {
    let mut floor = floor(&[support(), WhenAllStopped::LeastOver]);
    for agent in ["anna", "boris", "clara", "denis"] {
        stop(&mut floor, agent, if agent == "anna" { 15 } else { 14 });
    }
    let record = floor.decide("a");
    assert_eq!(order_taken(&record), Some(&AllStopped::LeastOver("boris".into())));
    floor.event("a", CallEventType::Ended, None);
    // Nobody of the other group is there: off duty is not resting.
    for agent in ["clara", "denis"] {
        floor.set_presence(agent, PresenceState::OffDuty);
    }
    assert_eq!(order_taken(&floor.decide("b")), Some(&AllStopped::LeastOver("boris".into())));
}

/// 15 calls are past 14 by a quarter of the band, 17 by three quarters. The call is hers alone, and moves nobody's credit.
#[test]
fn the_one_past_a_limit_least_is_rung() {
    let mut floor = floor(&[WhenAllStopped::LeastOver]);
    stop(&mut floor, "anna", 17);
    stop(&mut floor, "boris", 15);
    let before = floor.owed(GroupIx(0));
    let record = floor.decide("a");
    assert_eq!(listed(&record), [("boris", Stage::Free)]);
    near(expected(&record), &[0.0, 1.0], 0.0);
    floor.event("a", CallEventType::Answered, Some("boris"));
    floor.event("a", CallEventType::Ended, None);
    near(&floor.owed(GroupIx(0)), &before, 1e-12);
    // 16 against 17 now; two calls more and it is anna's turn.
    assert_eq!(listed(&floor.decide("b"))[0].0, "boris");
    floor.event("b", CallEventType::Ended, None);
    for call in ["x", "y"] {
        floor.event(call, CallEventType::Answered, Some("boris"));
        floor.event(call, CallEventType::Ended, None);
    }
    assert_eq!(listed(&floor.decide("c"))[0].0, "anna");
}

/// Only who has a number is promised a call: for the others the next entry holds.
#[test]
fn the_caller_is_promised_a_call_where_the_order_says_so() {
    for (order, then) in [
        (&[WhenAllStopped::Callback, WhenAllStopped::Fallback][..], (AllStopped::Fallback, Reason::Fallback)),
        (&[WhenAllStopped::Callback, support()][..], (AllStopped::Group("support".into()), Reason::Percent)),
        (&[WhenAllStopped::Callback][..], (AllStopped::Nowhere, Reason::Fallback)),
    ] {
        let mut floor = floor(order);
        stop(&mut floor, "anna", 14);
        stop(&mut floor, "boris", 15);
        let choice = floor.choose("a", &[]);
        let promised = Outcome::Callback { group: "sales".into() };
        assert_eq!((choice.reason, choice.targets.len(), choice.promise()), (Reason::Callback, 0, Some(promised)));
        assert_eq!(choice.groups[0].guard.all_stopped, Some(AllStopped::Callback));
        floor.can_be_called_back = false;
        let choice = floor.choose("b", &[]);
        assert_eq!((choice.groups[0].guard.all_stopped.clone(), choice.reason), (Some(then.0), then.1));
        assert_eq!(choice.promise(), None);
    }
}

#[test]
fn nobody_who_is_away_or_at_work_is_rung_past_a_limit() {
    let mut floor = floor(&[WhenAllStopped::LeastOver]);
    stop(&mut floor, "anna", 17);
    stop(&mut floor, "boris", 15);
    floor.set_presence("boris", PresenceState::Paused);
    assert_eq!(listed(&floor.decide("a"))[0].0, "anna");
    floor.event("a", CallEventType::Ended, None);
    floor.set_presence("boris", PresenceState::OffDuty);
    floor.event("own", CallEventType::Answered, Some("anna"));
    let record = floor.decide("b");
    assert_eq!((listed(&record).len(), order_taken(&record)), (0, Some(&AllStopped::Nowhere)));
}

/// Paused people are no stopped people: the order does not apply.
#[test]
fn everybody_paused_goes_to_the_backup_number() {
    let mut floor = floor(&[WhenAllStopped::LeastOver, support()]);
    stop(&mut floor, "anna", 14);
    for agent in ["anna", "boris"] {
        floor.set_presence(agent, PresenceState::Paused);
    }
    let record = floor.decide("a");
    assert_eq!((record.decision.reason, listed(&record).len(), order_taken(&record)), (Reason::Fallback, 0, None));
    assert_eq!(record.groups[0].standing, [MemberStanding::Paused; 2]);
}

/// That agent alone, else the backup number: nobody else takes the calls of a client whose manager rests.
#[test]
fn a_personal_manager_only_is_not_replaced() {
    let mut policy = guarded("p", by_calls(&[support()]));
    policy.personal_manager = PersonalManager::Only;
    let groups = [("sales", "p", &[("anna", 1.0)][..]), ("support", "q", &[("clara", 1.0)][..])];
    let mut floor = Floor::new(workspace(&groups, vec![policy, guarded("q", Guard::default())]));
    stop(&mut floor, "anna", 14);
    floor.responsible = Some(floor.agent_ix("anna"));
    assert_eq!(listed(&floor.decide("a")).len(), 0);
}

/// A group inside a group is passed over while its people rest; the order is that of the route's group.
#[test]
fn a_group_below_whose_people_rest_is_passed_over() {
    let groups = [
        ("company", "top", &[("moscow", 3.0), ("kazan", 1.0)][..]),
        ("moscow", "p", &[("anna", 1.0)][..]),
        ("kazan", "p", &[("boris", 1.0)][..]),
    ];
    let policies =
        vec![guarded("top", by_calls(&[WhenAllStopped::LeastOver])), guarded("p", by_calls(&[WhenAllStopped::Fallback]))];
    let mut floor = Floor::new(workspace(&groups, policies));
    stop(&mut floor, "anna", 14);
    let record = floor.decide("a");
    assert_eq!((listed(&record)[0].0, standings(&record)[0]), ("boris", MemberStanding::Stopped));
    floor.event("a", CallEventType::Ended, None);
    stop(&mut floor, "boris", 15);
    let record = floor.decide("b");
    assert_eq!(listed(&record)[0].0, "anna");
    assert_eq!(record.paths[0].len(), 2);
    near(expected(&record), &[1.0, 0.0], 0.0);
}

fn faults(orders: &[(&str, &[WhenAllStopped])]) -> Vec<String> {
    let members: Vec<(String, f64)> = vec![("anna".to_owned(), 1.0)];
    let policies = orders.iter().map(|(id, order)| guarded(&format!("of-{id}"), by_calls(order))).collect();
    let groups = orders.iter().map(|(id, _)| meritline::core::workspace::GroupParts {
        id: (*id).into(),
        members: members
            .iter()
            .map(|(who, base)| meritline::core::workspace::MemberParts {
                who: meritline::core::workspace::MemberName::Any(who.clone()),
                base: *base,
            })
            .collect(),
        policy: format!("of-{id}").into(),
        hours: None,
    });
    let parts = WorkspaceParts {
        id: "floor".into(),
        name: "Floor".into(),
        time_zone: jiff::tz::TimeZone::UTC,
        default_region: "RU".into(),
        currency: "RUB".parse().unwrap(),
        agents: vec![crate::support::floor::agent("anna", "101")],
        groups: groups.collect(),
        policies,
        hours: Vec::new(),
        default_hours: None,
        lists: Vec::new(),
        routes: Vec::new(),
        connections: Vec::new(),
    };
    match Workspace::build(parts) {
        Ok(_) => Vec::new(),
        Err(faults) => faults
            .into_iter()
            .map(|fault| match fault.kind {
                FaultKind::Unknown { id, .. } => format!("{}: unknown {id}", fault.pointer),
                kind => format!("{}: {kind}", fault.pointer),
            })
            .collect(),
    }
}

#[test]
fn orders_that_name_nothing_or_go_in_circles_are_refused() {
    let to = |id: &str| vec![WhenAllStopped::Fallback, WhenAllStopped::Group(id.into())];
    assert_eq!(faults(&[("a", &to("b")), ("b", &to("c")), ("c", &[WhenAllStopped::LeastOver])]), [""; 0]);
    assert_eq!(faults(&[("a", &to("zoe"))]), ["/policies/0/guard/when_all_stopped/1/group: unknown zoe"]);
    let told = faults(&[("a", &to("b")), ("b", &to("c")), ("c", &to("b"))]);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("/policies/1/guard/when_all_stopped/1/group: "), "{told:?}");
    assert!(told[0].contains("b > c > b"), "{told:?}");
    assert!(faults(&[("a", &to("a"))])[0].contains("a > a"));
}
