//! What others measured of each rule in simulations of their own, found again within the noise.
//!
//! Their floors are known in outline only (people, calls an hour, how long somebody is busy); what is not known was chosen so that the
//! rules that do not depend on it agree.

use meritline::core::load::guard::Band;
use meritline::core::policy::{Mode, WrapUp};
use meritline::core::simulate::{
    AfterCall, Away, BaseChange, Distribution, Fatigue, GrowsOver, Metric, PolicySummary, Rule, Scenario, SimulatedPolicy, run,
    summarise,
};

use super::{credit, floor, mean_and_deviation, runs, with_rule};

const OURS: Rule = Rule::Credit { grows_over: GrowsOver::Rotation, cap: Some(4.0) };

fn of(summary: &PolicySummary, metric: Metric) -> f64 {
    summary.metrics.iter().find(|(known, _)| *known == metric).map(|(_, interval)| interval.mean).unwrap()
}

/// Eight people of 20/18/15/13/11/9/8/6 %, nine hours, 25 calls an hour, busy seven minutes a call: the mean over 20 days of the largest
/// |actual - target|, in percentage points. Measured once, over 20 days: it must lie within three standard deviations of our 20 days.
#[test]
fn rules_miss_their_shares_by_as_much_as_others_found() {
    let bases = [20.0, 18.0, 15.0, 13.0, 11.0, 9.0, 8.0, 6.0];
    let mut scenario = floor(&bases, 25.0, Distribution::LogNormal { mean: 420.0, cv: 0.7 });
    scenario.patience = Some(Distribution::Exponential(30.0));
    let two_hours = SimulatedPolicy { period_seconds: 7200.0, ..with_rule(Mode::Percent, Rule::FairWindow) };
    let one_hour = SimulatedPolicy { period_seconds: 3600.0, ..with_rule(Mode::Percent, OURS) };
    let mut found = Vec::new();
    for (policy, measured) in [
        (with_rule(Mode::Percent, OURS), 0.36),
        (with_rule(Mode::Percent, credit(GrowsOver::Rotation, None)), 0.36),
        (with_rule(Mode::Percent, credit(GrowsOver::Free, Some(4.0))), 4.23),
        (with_rule(Mode::Percent, Rule::Random), 4.55),
        (with_rule(Mode::Percent, Rule::LongestIdle), 7.57),
        (with_rule(Mode::Percent, Rule::Webster), 0.34),
        (with_rule(Mode::Percent, Rule::FairWindow), 0.34),
        (two_hours, 1.03),
        (one_hour, 0.63),
    ] {
        let errors: Vec<f64> = runs(&scenario, &policy, 12).iter().map(|run| Metric::ShareError.of(run).unwrap()).collect();
        let (mean, deviation) = mean_and_deviation(&errors);
        assert!((mean - measured).abs() <= 3.0 * deviation, "{:?}: {mean} +- {deviation} against {measured}", policy.rule);
        found.push(mean);
    }
    // Growing credit for the free only, and dice, are ten times as inexact as the service's rule.
    assert!(found[2] > 7.0 * found[0] && found[3] > 7.0 * found[0], "{found:?}");
}

fn one_of_eight_away(from_hour: f64, until_hour: f64, open_hours: f64) -> Scenario {
    let mut scenario = floor(&[1.0; 8], 40.0, Distribution::Constant(255.0));
    (scenario.open_seconds, scenario.days) = (open_hours * 3600.0, 40);
    scenario.agents[3].away = vec![Away { from_seconds: from_hour * 3600.0, until_seconds: until_hour * 3600.0 }];
    scenario
}

/// Calls over calls due in the first 30 minutes and 2 hours after four hours away.
#[test]
fn whoever_comes_back_is_not_flooded() {
    let scenario = one_of_eight_away(2.0, 6.0, 9.0);
    let after = |policy: SimulatedPolicy| {
        let back = summarise("p", &runs(&scenario, &policy, 5), None).returns[0];
        (back.first_30_minutes.unwrap(), back.first_2_hours.unwrap())
    };
    let (first, later) = after(with_rule(Mode::EqualCalls, OURS));
    assert!((0.85..=1.15).contains(&first) && (0.85..=1.15).contains(&later), "credit: {first} {later}");
    let (first, later) = after(with_rule(Mode::EqualCalls, Rule::FairWindow));
    assert!((0.85..=1.15).contains(&first) && (0.85..=1.15).contains(&later), "fair window: {first} {later}");
    // Others: 2.19 and 2.08 for counts and for credit that grows while away; a cap of 2 calls helps after half an hour.
    let counts = SimulatedPolicy { period_seconds: 9.0 * 3600.0, ..with_rule(Mode::EqualCalls, Rule::CountsInWindow) };
    for policy in [counts, with_rule(Mode::EqualCalls, credit(GrowsOver::Everybody, None))] {
        let (first, later) = after(policy);
        assert!((first - 2.19).abs() < 0.15 && (later - 2.08).abs() < 0.1, "{first} {later}");
    }
    let (first, later) = after(with_rule(Mode::EqualCalls, credit(GrowsOver::Everybody, Some(2.0))));
    assert!((1.6..2.1).contains(&first) && (1.1..1.35).contains(&later), "{first} {later}");
}

/// Away in the fourth and fifth of twelve hours. Others, for a window of four hours over counts, hour by hour:
/// 1.1 0.99 1.01 0 0 2.14 1.87 0.35 0.23 1.38 1.76 0.76.
#[test]
fn an_absence_does_not_come_back_as_a_wave() {
    let scenario = one_of_eight_away(3.0, 5.0, 12.0);
    let hourly = |rule: Rule| {
        let policy = SimulatedPolicy { period_seconds: 4.0 * 3600.0, ..with_rule(Mode::EqualCalls, rule) };
        summarise("p", &runs(&scenario, &policy, 5), None).agents[3].ratio_by_hour.clone()
    };
    for rule in [OURS, Rule::FairWindow] {
        let ratios = hourly(rule);
        assert_eq!(ratios.len(), 12);
        for (hour, ratio) in ratios.iter().enumerate() {
            let away = (3..5).contains(&hour);
            // Nothing is due while away: that is no ratio of 0.
            let found = ratio.map_or(away, |ratio| !away && (0.85..=1.15).contains(&ratio));
            assert!(found, "{rule:?}: {ratios:?}");
        }
    }
    let ratios: Vec<f64> = hourly(Rule::CountsInWindow).into_iter().map(|ratio| ratio.unwrap_or(0.0)).collect();
    assert!((ratios[5] - 2.14).abs() < 0.15 && (ratios[6] - 1.87).abs() < 0.2, "{ratios:?}");
    assert!(ratios[7] < 0.5 && ratios[8] < 0.4 && ratios[9] > 1.3 && ratios[10] > 1.5 && ratios[11] < 0.9, "{ratios:?}");
}

/// A base goes from 1 of 8 to 4 of 11 in mid-shift: 36.4 % of the next 60 calls are due. Others: 57.3 % and 11 of 11 in a row for
/// counts in a window, 35.6 % and at most 6 of 11 for credit, 29.8 % for dice.
#[test]
fn a_changed_share_holds_at_once_and_rings_nobody_again_and_again() {
    let mut scenario = floor(&[1.0; 8], 40.0, Distribution::Constant(67.0));
    scenario.days = 40;
    scenario.base_changes = vec![BaseChange { agent: 3, at_seconds: 4.0 * 3600.0, base: 4.0 }];
    let after = |rule: Rule| {
        let policy = SimulatedPolicy { period_seconds: 4.0 * 3600.0, ..with_rule(Mode::Percent, rule) };
        let change = summarise("p", &runs(&scenario, &policy, 5), None).changes[0];
        (change.share_of_60.unwrap(), change.most_of_11)
    };
    let (share, most) = after(OURS);
    assert!((share - 4.0 / 11.0).abs() < 0.02 && most <= 7, "credit: {share} {most}");
    let (share, most) = after(Rule::CountsInWindow);
    assert!((share - 0.573).abs() < 0.03 && most == 11, "counts: {share} {most}");
    let (share, _) = after(Rule::Random);
    assert!((share - 0.298).abs() < 0.02, "dice: {share}");
}

/// Five people, 25 calls an hour, talk of 300 s with a spread of 0.8. Others: longest less shortest talk 8.9 min in talk-time mode, 61
/// when calls are counted, 34 for longest idle; the price is a spread of 12 calls against 1.
#[test]
fn talk_time_can_be_shared_where_counting_calls_leaves_an_hour() {
    let scenario = floor(&[1.0; 5], 25.0, Distribution::LogNormal { mean: 300.0, cv: 0.8 });
    let spread = |policy: SimulatedPolicy| {
        let summary = summarise("p", &runs(&scenario, &policy, 5), None);
        (of(&summary, Metric::TalkSpread), of(&summary, Metric::CallsSpread))
    };
    let (talk, calls) = spread(with_rule(Mode::EqualTalkTime, OURS));
    assert!(talk <= 12.0 && (calls - 12.0).abs() < 2.0, "talk time: {talk} {calls}");
    let (talk, calls) = spread(with_rule(Mode::EqualCalls, OURS));
    assert!((talk - 61.0).abs() < 10.0 && calls < 2.0, "calls: {talk} {calls}");
    let (talk, _) = spread(with_rule(Mode::EqualCalls, Rule::LongestIdle));
    assert!((talk - 34.0).abs() < 8.0, "longest idle: {talk}");
}

/// Ten sellers at 35 calls an hour, scores learned every day, four runs of 40 days. Others: +10.3 % (standard error 1.9) for scores
/// against longest idle, Gini of talk .177 against .049, longest talk 248 min against 182.
#[test]
fn scores_pay_where_there_is_slack_and_their_price_is_shown() {
    let conversions = [0.16, 0.14, 0.13, 0.12, 0.11, 0.10, 0.09, 0.08, 0.07, 0.05];
    let checks = [1.1, 0.9, 1.2, 1.0, 0.9, 1.1, 1.0, 0.95, 1.05, 0.8];
    let mut scenario = floor(&[1.0; 10], 35.0, Distribution::LogNormal { mean: 300.0, cv: 0.8 });
    scenario.days = 40;
    scenario.after_call = AfterCall::ByTalk(WrapUp { base_seconds: 30.0, per_talk_second: 0.1, max_seconds: 180.0 });
    scenario.patience = Some(Distribution::Exponential(150.0));
    let talk_minutes = Band { lo: 240.0, hi: 360.0 };
    scenario.fatigue = Some(Fatigue { talk_minutes, talk_loss: 0.3, calls_in_a_row: 7.0, row_loss: 0.15 });
    for (agent, (conversion, check)) in scenario.agents.iter_mut().zip(conversions.iter().zip(checks)) {
        (agent.conversion, agent.average_check) = (*conversion, check * 100.0);
    }
    let idle = runs(&scenario, &with_rule(Mode::EqualCalls, Rule::LongestIdle), 4);
    let scored = runs(&scenario, &with_rule(Mode::Performance, OURS), 4);
    let summary = summarise("score", &scored, Some(&idle));
    let uplift = summary.uplift.unwrap().mean;
    assert!((uplift - 0.103).abs() < 3.0 * 0.019, "{uplift}");
    assert!((of(&summary, Metric::Gini) - 0.177).abs() < 0.02, "{}", of(&summary, Metric::Gini));
    assert!((of(&summary, Metric::LongestTalk) - 248.0).abs() < 15.0, "{}", of(&summary, Metric::LongestTalk));
    let idle = summarise("idle", &idle, None);
    assert!((of(&idle, Metric::Gini) - 0.049).abs() < 0.004 && (of(&idle, Metric::LongestTalk) - 182.0).abs() < 5.0);
    // The best seller gets at most twice, the worst at least half of an equal share.
    let shares: Vec<f64> = summary.agents.iter().map(|agent| agent.actual_share).collect();
    assert!(shares.iter().all(|share| (0.045..=0.205).contains(share)), "{shares:?}");
    assert_eq!(run(&scenario, &with_rule(Mode::Performance, OURS), 4), scored[3]);
}
