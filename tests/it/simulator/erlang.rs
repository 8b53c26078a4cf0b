//! Erlang's formulas against published figures, and the simulator against Erlang's formulas.

use meritline::core::erlang::Team;
use meritline::core::policy::Mode;
use meritline::core::simulate::{Confidence, Distribution, Interval, Metric, SimulatedPolicy};

use super::{floor, runs};

/// Erlangs, agents, handling seconds; B, C, mean wait, answered within 20 s, occupancy.
const REFERENCE: [([f64; 3], [f64; 5]); 7] = [
    ([2.0, 3.0, 180.0], [0.210526, 0.444444, 80.000, 0.602294, 0.667]),
    ([3.0, 5.0, 300.0], [0.110054, 0.236152, 35.423, 0.793326, 0.600]),
    ([7.0, 10.0, 420.0], [0.078741, 0.221731, 31.042, 0.807786, 0.700]),
    ([8.0, 10.0, 300.0], [0.121661, 0.409180, 61.377, 0.641896, 0.800]),
    ([10.0, 14.0, 180.0], [0.056819, 0.174132, 7.836, 0.888350, 0.714]),
    ([20.0, 24.0, 180.0], [0.066097, 0.298072, 13.413, 0.808882, 0.833]),
    ([100.0, 110.0, 180.0], [0.027463, 0.237008, 4.266, 0.921979, 0.909]),
];

fn team([erlangs, agents, handling_seconds]: [f64; 3]) -> Team {
    Team { erlangs, agents: agents as u32, handling_seconds }
}

#[test]
fn the_formulas_give_the_published_figures() {
    for (given, [refused, must_wait, wait, within, occupancy]) in REFERENCE {
        let team = team(given);
        let near =
            |found: f64, expected: f64, half_digit: f64| assert!((found - expected).abs() <= half_digit, "{team:?}: {found}");
        near(team.refused(), refused, 5e-7);
        near(team.must_wait(), must_wait, 5e-7);
        near(team.mean_wait_seconds().unwrap(), wait, 5e-4);
        near(team.answered_within(20.0), within, 5e-7);
        near(team.occupancy(), occupancy, 5e-4);
    }
}

#[test]
fn a_team_that_is_too_small_has_a_queue_without_end() {
    for erlangs in [3.0, 4.5] {
        let team = team([erlangs, 3.0, 180.0]);
        assert_eq!((team.must_wait(), team.mean_wait_seconds(), team.answered_within(20.0)), (1.0, None, 0.0));
        assert_eq!(team.occupancy(), 1.0);
    }
}

/// Whatever the shares, a rule that never leaves anybody idle while a caller waits has Erlang C's waits: each lies in the
/// simulator's own 99 % interval.
#[test]
fn the_simulator_waits_as_erlang_says() {
    for (given, [_, must_wait, wait, within, _]) in REFERENCE {
        let team = team(given);
        let bases: Vec<f64> = (0..team.agents).map(|at| f64::from(at % 3 + 1)).collect();
        let talk = Distribution::Exponential(team.handling_seconds);
        let mut scenario = floor(&bases, team.erlangs * 3600.0 / team.handling_seconds, talk);
        (scenario.open_seconds, scenario.warm_up_seconds) = (86_400.0, 2.0 * 3600.0);
        // About as many calls at every load: the larger the team, the less its waits scatter.
        scenario.days = (40.0 / team.erlangs).ceil() as u32;
        let runs = runs(&scenario, &SimulatedPolicy::of_mode("p", Mode::Percent), 12);
        for (metric, expected) in [(Metric::Waiting, must_wait), (Metric::AnswerSpeed, wait), (Metric::ServiceLevel, within)] {
            let values: Vec<f64> = runs.iter().map(|run| metric.of(run).unwrap()).collect();
            let interval = Interval::of(&values, Confidence::P99).unwrap();
            assert!(interval.holds(expected), "{team:?} {metric:?}: {interval:?} does not hold {expected}");
        }
    }
}
