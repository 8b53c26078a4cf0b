//! Shares that cannot be carried, played through: what is missed is what was computed, and the report says so.

use std::collections::{BTreeMap, VecDeque};

use jiff::SignedDuration;
use meritline::broker::ports::Clock;
use meritline::core::call::CallEventType;
use meritline::core::load::feasible_share::GroupCeiling;
use meritline::core::load::load_meter::{self, LoadMeter};
use meritline::core::load::offered_load::OCCUPANCY_MAX;
use meritline::core::policy::{Count, Mode};
use meritline::core::shares::share_report::{CameBy, ShareReport};
use meritline::core::workspace::GroupIx;
use meritline::http::access::Role;
use serde_json::{Value, json};

use crate::support::floor::{Draw, Floor, plain_policy};
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

/// A day of nine hours: 40 calls an hour come at random, each keeps somebody busy for seven minutes on average, and who finds
/// nobody free waits. Gives the floor and the calls answered.
fn day(seed: u64) -> (Floor, Vec<String>) {
    let shares = [20.0, 18.0, 15.0, 13.0, 11.0, 9.0, 8.0, 6.0];
    let (mut floor, mut draw) = (Floor::of_shares(&shares, plain_policy("p", Mode::Percent, Count::Answered)), Draw(seed));
    let mut hang_ups: BTreeMap<i64, (String, String)> = BTreeMap::new();
    let mut waiting: VecDeque<(String, f64)> = VecDeque::new();
    let (start, mut arrival_us, mut number, mut answered) = (floor.now, 0_i64, 0, Vec::new());
    while arrival_us < 9 * 3_600_000_000 {
        let next_us = hang_ups.first_key_value().map_or(arrival_us, |(at_us, _)| arrival_us.min(*at_us));
        floor.now = start.checked_add(SignedDuration::from_micros(next_us)).unwrap();
        floor.tally.advance(floor.now);
        if let Some((call, agent)) = hang_ups.remove(&next_us) {
            floor.event(&call, CallEventType::Ended, Some(&agent));
            floor.event(&call, CallEventType::Ended, None);
        } else {
            number += 1;
            waiting.push_back((format!("c{number}"), draw.log_normal(420.0, 0.7)));
            arrival_us += (draw.exponential(90.0) * 1e6) as i64;
        }
        let Some(choice) = waiting.front().map(|(call, _)| floor.choose(call, &[])) else { continue };
        let Some(agent) = choice.targets.first().map(|target| target.agent.to_string()) else { continue };
        let Some((call, talk_seconds)) = waiting.pop_front() else { continue };
        floor.commit(&call, choice);
        floor.event(&call, CallEventType::Answered, Some(&agent));
        answered.push(call.clone());
        hang_ups.insert(next_us + (talk_seconds * 1e6) as i64, (call, agent));
    }
    (floor, answered)
}

/// The published table's eight people over 20 days: of 20 % the first can carry 18, and gets about that (others found the largest
/// error of a share to be 2.18 points). Callers wait rather than give up, so that all 40 calls an hour are carried; over 7200 calls a
/// share of 18 % has a standard deviation of 0.45 points by chance alone.
#[test]
fn of_twenty_percent_the_first_of_eight_gets_what_one_person_can_carry() {
    let (mut report, mut ceilings, group) = (ShareReport::default(), Vec::new(), GroupIx(0));
    for seed in 1..=20 {
        let (floor, answered) = day(seed);
        let mut meter = LoadMeter::default();
        for call in answered.iter().filter_map(|call| floor.tally.call(&Floor::key(call))) {
            for part in call.parts(floor.now) {
                report.add(&part, CameBy::Credit, |_| 1.0);
                meter.add_part(&part, floor.tally.workspace(), group);
            }
        }
        ceilings.push(meter.offered().unwrap().feasible_share(OCCUPANCY_MAX));
        // The load of now is that of the latest conversations: the day's, give or take some calls an hour.
        let load = load_meter::load_now(&floor.tally, group, floor.now).unwrap();
        assert!((load.calls_per_hour() - 40.0).abs() < 8.0, "{load:?}");
        let ceiling = GroupCeiling { workspace: floor.tally.workspace(), group, load };
        assert_eq!(ceiling.told(&[0.125; 8]), None, "an eighth is not too much for anybody");
    }
    assert!(report.units() > 7000.0, "{}", report.units());
    let feasible = ceilings.iter().sum::<f64>() / ceilings.len() as f64;
    assert!((feasible - 0.182).abs() < 0.01, "{ceilings:?}");
    let shares = report.shares(|_| Some(feasible));
    let of = |position: usize| shares[format!("a{position:03}").as_str()];
    let first = of(0);
    assert!((first.base - 0.2).abs() < 1e-9 && first.presence.abs() < 1e-9);
    // At 85 % a person is hardly ever free: what comes at random does not quite fill the time.
    let missing = feasible - first.actual;
    assert!((-0.005..0.02).contains(&missing), "got {} of feasible {feasible}", first.actual);
    assert!((0.2 - first.actual - 0.0218).abs() < 0.0135, "others found 2.18 points: {first:?}");
    // And the report says so: everything above the ceiling is what one person cannot carry.
    assert!((first.feasibility - (feasible - 0.2)).abs() < 1e-9 && first.feasibility < -0.01, "{first:?}");
    for position in 2..8 {
        assert_eq!(of(position).feasibility, 0.0, "{position}");
    }
}

fn near(value: &Value, expected: f64) {
    assert!((value.as_f64().unwrap() - expected).abs() < 1e-6, "{value} is not {expected}");
}

/// So many calls, one every 90 seconds and seven minutes long each, and how the shares of `sales` are explained. Anna gets every fifth.
async fn seven_minutes_each(service: &TestService, count: i32) -> Value {
    let start = service.site.clock.now();
    let tell = async |call: i32, kind: &str, agent: Option<&str>| {
        let at = service.site.clock.now().to_string();
        let event =
            json!({"event_id": format!("{call}-{kind}"), "call_id": format!("c-{call}"), "type": kind, "agent": agent, "at": at});
        service.client.tell(&event).expect(200).await;
    };
    for call in 0..count {
        let asked = service.client.ask(&json!({"call_id": format!("c-{call}"), "called": "+74951112233"})).expect(200).await;
        let first = asked.agents().remove(0);
        assert_eq!(first == "anna", call % 5 == 0, "call {call} went to {first}");
        tell(call, "answered", Some(&first)).await;
        service.site.clock.pass(60);
        // The fourth call before this one began 420 seconds ago.
        if call >= 4 {
            tell(call - 4, "ended", None).await;
        }
        service.site.clock.pass(30);
    }
    let lead = service.token("acme", Role::SalesLead, None).await;
    let path = format!("groups/sales/shares/explanation?from={start}&until={}", start + SignedDuration::from_hours(2));
    service.client.read(&path, &lead).expect(200).await.json()
}

/// A call every 90 seconds, each seven minutes long, for 90 minutes. Who has 60 % is always owed most, so gets a call whenever free:
/// every fifth, 20 %. One person can be asked for 18.2 %, so the missing 40 points are what one person cannot carry.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_percent_for_one_person_are_explained_as_more_than_one_can_carry() {
    let others = ["b1", "b2", "b3", "b4", "b5"];
    let members: Vec<(&str, f64)> = [("anna", 60.0)].into_iter().chain(others.map(|other| (other, 8.0))).collect();
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let workspace = SampleWorkspace::new("acme").agents(&names).policy("typed", |_| {}).group("sales", "typed", &members);
    let service = TestService::of(workspace.route("main", "sales").build()).await;
    let told = seven_minutes_each(&service, 60).await;
    near(&told["total"], 60.0);
    near(&told["feasible_percent"], 100.0 * 0.85 * 3.0 / 14.0);
    let anna = &told["members"][0];
    assert_eq!(anna["sentence"], "`anna` got 20.0 %: set share 60.0, more than one person can carry -40.0.");
    for (part, points) in anna["parts"].as_array().unwrap().iter().zip([60.0, 0.0, 0.0, 0.0, -40.0, 0.0, 0.0, 0.0]) {
        near(&part["points"], points);
    }
    // What came over from anna is not the others' own doing.
    let others: Vec<f64> =
        told["members"].as_array().unwrap()[1..].iter().map(|b| b["parts"][7]["points"].as_f64().unwrap()).collect();
    assert!((others.iter().sum::<f64>() - 40.0).abs() < 1e-6, "{others:?}");
}

/// The same with offices: Moscow, one person, is due 60 % of the calls and Kazan the rest. Anna gets every fifth call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_percent_for_an_office_of_one_are_explained_as_more_than_its_people_can_carry() {
    let others = ["b1", "b2", "b3", "b4", "b5"];
    let kazan: Vec<(&str, f64)> = others.iter().map(|other| (*other, 1.0)).collect();
    let workspace = SampleWorkspace::new("acme")
        .agents(&["anna", "b1", "b2", "b3", "b4", "b5"])
        .policy("typed", |_| {})
        .group("sales", "typed", &[("moscow", 60.0), ("kazan", 40.0)])
        .group("moscow", "typed", &[("anna", 1.0)])
        .group("kazan", "typed", &kazan);
    let service = TestService::of(workspace.route("main", "sales").build()).await;
    let told = seven_minutes_each(&service, 60).await;
    near(&told["feasible_percent"], 100.0 * 0.85 * 3.0 / 14.0);
    let moscow = told["members"].as_array().unwrap().iter().find(|member| member["member"] == "moscow").unwrap();
    assert_eq!(moscow["sentence"], "`moscow` got 20.0 %: set share 60.0, more than its people can carry -40.0.");
    // Five people could carry more than the 40 % Kazan was due: what it got beyond came over from Moscow.
    let kazan = told["members"].as_array().unwrap().iter().find(|member| member["member"] == "kazan").unwrap();
    assert_eq!(kazan["sentence"], "`kazan` got 80.0 %: set share 40.0, not evened out yet +40.0.");
}

/// Nothing limits anybody in a quiet hour: one person could carry all of it, and more is not said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_hour_is_explained_without_a_limit_above_all_calls() {
    let service = TestService::of(SampleWorkspace::one_group("acme", &["anna", "boris"]).build()).await;
    let start = service.site.clock.now();
    service.conversations("c", 24, 120, 20).await;
    let lead = service.token("acme", Role::SalesLead, None).await;
    let path = format!("groups/sales/shares/explanation?from={start}&until={}", start + SignedDuration::from_hours(1));
    let told = service.client.read(&path, &lead).expect(200).await.json();
    assert_eq!(told["feasible_percent"], 100.0);
}
