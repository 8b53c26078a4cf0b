//! The engine: what is counted, what chance may do, what cannot hang.

use meritline::core::policy::{Count, Mode};
use meritline::core::simulate::{
    AfterCall, Away, Confidence, Distribution, Interval, Load, LoggedCall, Metric, Rule, SimulatedGuard, SimulatedPolicy, run,
    watch,
};

use super::{floor, with_rule};

fn equal() -> SimulatedPolicy {
    SimulatedPolicy::of_mode("p", Mode::EqualCalls)
}

#[test]
fn the_same_seed_gives_the_same_figures_and_another_seed_others() {
    let scenario = floor(&[3.0, 2.0, 1.0], 30.0, Distribution::Exponential(240.0));
    for rule in [Rule::Random, Rule::LongestIdle, Rule::FairWindow] {
        let policy = with_rule(Mode::Percent, rule);
        assert_eq!(run(&scenario, &policy, 5), run(&scenario, &policy, 5));
        assert_ne!(run(&scenario, &policy, 5), run(&scenario, &policy, 6));
    }
}

/// Callers, their patience and their luck belong to the seed: with nobody ever waiting, two rules differ only in who gets what.
#[test]
fn every_policy_has_the_same_callers() {
    let scenario = floor(&[1.0; 40], 30.0, Distribution::Exponential(240.0));
    let seen = |policy: &SimulatedPolicy| {
        let mut calls = Vec::new();
        let figures = watch(&scenario, policy, 3, |given| calls.push((given.call, given.at_us)));
        (calls, figures.offered, figures.contracts, figures.revenue)
    };
    assert_eq!(seen(&equal()), seen(&with_rule(Mode::EqualCalls, Rule::Random)));
}

/// Four recorded calls of 100 s, one person, 20 s of after-call time: at 0 answered at once; at 30 waits 90 s until 120; at 50
/// gives up after 90 s; at 1000 answered at once.
#[test]
fn a_record_can_be_followed_by_hand() {
    let mut scenario = floor(&[1.0], 1.0, Distribution::Constant(1.0));
    let call = |at_seconds| LoggedCall { at_seconds, talk_seconds: 100.0 };
    scenario.load = Load::Log(vec![call(50.0), call(0.0), call(1000.0), call(30.0)]);
    scenario.days = 1;
    scenario.after_call = AfterCall::Drawn(Distribution::Constant(20.0));
    scenario.patience = Some(Distribution::Constant(90.0));
    let mut given = Vec::new();
    let figures = watch(&scenario, &equal(), 1, |call| given.push((call.call, call.at_us)));
    assert_eq!(given, [(1, 0), (2, 120_000_000), (4, 1_000_000_000)]);
    assert_eq!((figures.offered, figures.answered, figures.abandoned, figures.waited), (4, 3, 1, 2));
    assert_eq!((figures.within_goal, figures.wait_seconds), (2, 90.0));
    assert_eq!((figures.agents[0].talk_seconds, figures.busy_seconds), (300.0, 360.0));
    assert_eq!((figures.days, figures.longest_talk_seconds), (1, 300.0));
}

/// One person, open for nine hours by the file; two calls of an hour came at 50000 s and 60000 s. The last is over at 63600 s, in the
/// eighteenth hour: two hours of eighteen.
#[test]
fn recorded_calls_count_in_the_figures_whenever_they_came() {
    let mut scenario = floor(&[1.0], 1.0, Distribution::Constant(1.0));
    let call = |at_seconds| LoggedCall { at_seconds, talk_seconds: 3600.0 };
    scenario.load = Load::Log(vec![call(50_000.0), call(60_000.0)]);
    scenario.days = 1;
    assert_eq!(scenario.day_seconds(), 18.0 * 3600.0);
    let figures = run(&scenario, &equal(), 1);
    assert_eq!((figures.busy_seconds, figures.duty_seconds, figures.hours.len()), (7200.0, 18.0 * 3600.0, 18));
    assert_eq!((figures.hours[13].offered, figures.hours[16].offered), (1, 1));
    // A day has no more than 24 hours; who called while it was open moves nothing.
    scenario.load = Load::Log(vec![call(86_000.0), call(10.0)]);
    assert_eq!(scenario.day_seconds(), 24.0 * 3600.0);
    scenario.load = Load::Log(vec![call(9.0 * 3600.0 - 1.0)]);
    assert_eq!(scenario.day_seconds(), 9.0 * 3600.0);
}

/// 100 s for one, 300 s for the other: Gini (-1 x 100 + 1 x 300) / (2 x 400); a quarter of all is held by who talked least.
#[test]
fn inequality_can_be_followed_by_hand() {
    let mut scenario = floor(&[1.0, 1.0], 1.0, Distribution::Constant(1.0));
    let call = |at_seconds, talk_seconds| LoggedCall { at_seconds, talk_seconds };
    scenario.load = Load::Log(vec![call(0.0, 100.0), call(10.0, 300.0)]);
    scenario.days = 1;
    let figures = run(&scenario, &equal(), 1);
    assert_eq!((figures.gini, &figures.lorenz), (0.25, &vec![0.0, 0.25, 1.0]));
    assert_eq!((figures.talk_spread_seconds, figures.calls_spread, figures.share_error_points), (200.0, 0.0, 0.0));
}

/// 1 2 3 4 5: mean 3, standard error sqrt(2.5 / 5), Student's t for 4 degrees of freedom 2.776 (95 %) and 4.604 (99 %); for 120
/// degrees tables say 1.980 and 2.617.
#[test]
fn intervals_are_students() {
    let half = |values: &[f64], confidence| Interval::of(values, confidence).unwrap().half.unwrap();
    let five = [1.0, 2.0, 3.0, 4.0, 5.0];
    assert_eq!(Interval::of(&five, Confidence::P95).unwrap().mean, 3.0);
    assert!((half(&five, Confidence::P95) - 2.776 * 0.5f64.sqrt()).abs() < 1e-9);
    assert!((half(&five, Confidence::P99) - 4.604 * 0.5f64.sqrt()).abs() < 1e-9);
    // 121 values of +1 and -1 (one 0): variance 120 / 120, standard error 1 / 11.
    let many: Vec<f64> = (0..121).map(|at| if at == 120 { 0.0 } else { f64::from(at % 2) * 2.0 - 1.0 }).collect();
    assert!((half(&many, Confidence::P95) * 11.0 - 1.980).abs() < 5e-4);
    assert!((half(&many, Confidence::P99) * 11.0 - 2.617).abs() < 5e-4);
    assert_eq!(Interval::of(&[], Confidence::P95), None);
    assert_eq!(Interval::of(&[7.0], Confidence::P95), Some(Interval { mean: 7.0, half: None }));
}

#[test]
fn calls_add_up_and_come_only_while_the_floor_is_open() {
    let mut scenario = floor(&[2.0, 1.0, 1.0], 40.0, Distribution::Exponential(200.0));
    scenario.load = Load::PerHour(vec![10.0, 0.0, 60.0]);
    (scenario.days, scenario.open_seconds) = (200, 4.0 * 3600.0);
    scenario.patience = Some(Distribution::Exponential(60.0));
    let figures = run(&scenario, &with_rule(Mode::Percent, Rule::Random), 1);
    assert_eq!(figures.offered, figures.answered + figures.abandoned);
    assert_eq!(figures.answered, figures.agents.iter().map(|agent| agent.calls).sum::<u64>());
    let due: f64 = figures.agents.iter().map(|agent| agent.due).sum();
    assert!((due - figures.answered as f64).abs() < 1e-6);
    let hours: Vec<f64> = figures.hours.iter().map(|hour| hour.offered as f64 / 200.0).collect();
    // The last figure of the profile goes on; four standard errors of a Poisson mean.
    for (hour, expected) in hours.iter().zip([10.0f64, 0.0, 60.0, 60.0]) {
        assert!((hour - expected).abs() <= 4.0 * (expected / 200.0).sqrt(), "{hours:?}");
    }
}

/// One offer in five rings in vain. Where only answered calls count, shares of the answered ones hold; a caller whom the first did not
/// answer goes to somebody else.
#[test]
fn missed_offers_bend_no_shares() {
    let mut scenario = floor(&[30.0, 25.0, 20.0, 15.0, 10.0], 20.0, Distribution::Constant(120.0));
    scenario.days = 100;
    scenario.agents.iter_mut().for_each(|agent| agent.answer_probability = 0.8);
    let mut policy = SimulatedPolicy::of_mode("p", Mode::Percent);
    let figures = run(&scenario, &policy, 1);
    assert_eq!((figures.answered, figures.abandoned), (figures.offered, 0));
    for (agent, share) in figures.agents.iter().zip([0.30, 0.25, 0.20, 0.15, 0.10]) {
        assert!((agent.calls as f64 / figures.answered as f64 - share).abs() < 0.002, "{share}");
    }
    assert!(Metric::Waiting.of(&figures).unwrap() > 0.19);
    // Where offers count, those who pick up less are charged all the same: they get fewer answered calls.
    scenario.agents[0].answer_probability = 0.4;
    policy.count = Count::Offered;
    let figures = run(&scenario, &policy, 1);
    assert!((figures.agents[0].calls as f64 / figures.answered as f64) < 0.25);
}

/// Nobody ever picks up, nobody hangs up: the day ends all the same.
#[test]
fn a_floor_where_nobody_answers_comes_to_an_end() {
    for (open_hours, patience) in [(9.0, None), (24.0, None), (9.0, Some(Distribution::Constant(0.0)))] {
        let mut scenario = floor(&[1.0; 3], 20.0, Distribution::Constant(60.0));
        (scenario.days, scenario.open_seconds, scenario.patience) = (3, open_hours * 3600.0, patience);
        scenario.agents.iter_mut().for_each(|agent| agent.answer_probability = 0.0);
        let figures = run(&scenario, &equal(), 1);
        assert!(figures.offered > 0);
        assert_eq!((figures.answered, figures.abandoned), (0, figures.offered));
        assert_eq!(Metric::AnswerSpeed.of(&figures), None);
    }
}

/// More work than people have hours: the guard stops them, callers wait, and nobody is rung while stopped.
#[test]
fn the_guard_rests_people_and_callers_pay() {
    let mut scenario = floor(&[1.0; 4], 40.0, Distribution::Constant(300.0));
    scenario.patience = Some(Distribution::Constant(300.0));
    let guarded = SimulatedPolicy { guard: Some(SimulatedGuard::STANDARD), ..equal() };
    let (free, guarded) = (run(&scenario, &equal(), 1), run(&scenario, &guarded, 1));
    let of = |metric: Metric| (metric.of(&free).unwrap(), metric.of(&guarded).unwrap());
    let (without, with) = of(Metric::TiredCalls);
    assert!(with < without / 2.0, "{without} {with}");
    let (without, with) = of(Metric::LongestTalk);
    assert!(without > 400.0 && with < 370.0, "{without} {with}");
    let (without, with) = of(Metric::Abandonment);
    assert!(with > without, "{without} {with}");
}

#[test]
fn nobody_outside_the_rotation_is_rung() {
    let mut scenario = floor(&[1.0, 0.0, 1.0], 20.0, Distribution::Constant(60.0));
    scenario.agents[2].away = vec![Away { from_seconds: 3600.0, until_seconds: 2.0 * 3600.0 }];
    for rule in [Rule::LongestIdle, Rule::Random, Rule::CountsInWindow, Rule::Webster, Rule::BestFirst] {
        let mut wrong = 0;
        let figures = watch(&scenario, &with_rule(Mode::Percent, rule), 1, |given| {
            let in_day = given.at_us % 86_400_000_000;
            let away = given.agent == 2 && (3_600_000_000..7_200_000_000).contains(&in_day);
            wrong += u32::from(given.agent == 1 || away);
        });
        assert_eq!(wrong, 0, "{rule:?}");
        assert!(figures.agents[0].calls > 0 && figures.agents[2].calls > 0);
    }
}
