//! What bends shares beside the score: corrections, ramp-up; and what is taken out of scores.

use super::*;
use jiff::civil::date;
use meritline::core::agent::{Absence, Duty};
use meritline::core::intervention::Excluded;
use meritline::core::policy::RampUp;
use meritline::core::scoring::adjustments::{Adjustments, ramp_up};
use meritline::core::scoring::exclusions::Exclusions;
use meritline::core::shares::target_share::{Limit, adjusted_targets, explain};
use meritline::core::workspace::MemberRef;
use proptest::prelude::*;

const TWO: [&str; 2] = ["anna", "boris"];

fn correction(agent: &str, factor: f64, until: Option<Timestamp>) -> Change {
    Change::Correction { agent: agent.into(), factor, reason: "took over old customers".to_owned(), until }
}

fn shares_at(workspace: &Workspace, table: Option<&ScoreTable>, book: &InterventionBook, at: Timestamp) -> Vec<f64> {
    let adjustments = Adjustments::at(workspace, BY_RESULTS, book, at);
    adjusted_targets(workspace, TEAM, table, &adjustments).members.iter().map(|member| member.target).collect()
}

#[test]
fn a_correction_multiplies_the_value_while_it_holds() {
    let workspace = workspace(&TWO, timeless());
    let table = scores(&TWO, timeless(), &[record("anna", 100, 20), record("boris", 100, 20)].concat());
    let tomorrow = now() + SignedDuration::from_hours(24);
    let book = book(vec![correction("anna", 1.5, Some(tomorrow))]);
    // 1.5 : 1.
    assert_near(shares_at(&workspace, Some(&table), &book, now())[0], 0.6, 1e-12);
    assert_near(shares_at(&workspace, Some(&table), &book, tomorrow)[0], 0.5, 1e-12);
    assert_near(shares_at(&workspace, None, &book, now())[0], 0.6, 1e-12);
}

#[test]
fn a_correction_stays_within_bounds_and_one_that_is_no_number_changes_nothing() {
    let workspace = workspace(&TWO, ScoreSettings { floor: 0.0, ceiling: 100.0, ..timeless() });
    let share = |factor: f64| shares_at(&workspace, None, &book(vec![correction("anna", factor, None)]), now())[0];
    assert_near(share(1e300), 10.0 / 11.0, 1e-12);
    assert_near(share(-5.0), 0.1 / 1.1, 1e-12);
    assert_near(share(f64::NAN), 0.5, 1e-12);
    assert_near(share(f64::INFINITY), 10.0 / 11.0, 1e-12);
}

/// 2026-11-02 is a Monday.
fn newcomer(absences: Vec<Absence>) -> Duty {
    Duty { since: Some(date(2026, 11, 2)), absences, hours: None }
}

#[test]
fn new_people_come_to_their_share_within_twenty_working_days() {
    let mut parts = parts(&TWO, policy("by-results", Mode::Percent, None));
    parts.agents[0].duty = newcomer(Vec::new());
    let workspace = Workspace::build(parts).unwrap();
    let factor = |day| ramp_up(&workspace.agents[0], None, RampUp::default(), day).map_or(1.0, |state| state.factor);
    // 30 % on the first day; after 10 working days half of the other 70 %, after 20 all of it.
    assert_near(factor(date(2026, 11, 2)), 0.3, 1e-15);
    assert_near(factor(date(2026, 11, 3)), 0.3 + 0.7 / 20.0, 1e-15);
    assert_near(factor(date(2026, 11, 7)), factor(date(2026, 11, 9)), 0.0);
    assert_near(factor(date(2026, 11, 16)), 0.65, 1e-15);
    assert_near(factor(date(2026, 11, 27)), 0.3 + 0.7 * 19.0 / 20.0, 1e-15);
    assert_eq!(factor(date(2026, 11, 30)), 1.0);
    assert_near(factor(date(2026, 10, 1)), 0.3, 1e-15);
    assert_eq!(ramp_up(&workspace.agents[1], None, RampUp::default(), date(2026, 11, 2)), None, "nobody says that boris is new");
    assert_eq!(ramp_up(&workspace.agents[0], None, RampUp::OFF, date(2026, 11, 2)), None);
    // 0.3 : 1 of the base shares.
    let first_day: Timestamp = "2026-11-02T12:00:00Z".parse().unwrap();
    assert_near(shares_at(&workspace, None, &book(Vec::new()), first_day)[0], 0.3 / 1.3, 1e-12);
}

#[test]
fn days_away_do_not_count_as_worked() {
    let mut parts = parts(&TWO, policy("by-results", Mode::Percent, None));
    parts.agents[0].duty = newcomer(vec![Absence { from: date(2026, 11, 3), to: date(2026, 11, 8) }]);
    let workspace = Workspace::build(parts).unwrap();
    let state = ramp_up(&workspace.agents[0], None, RampUp::default(), date(2026, 11, 10)).unwrap();
    assert_eq!(state.days_worked, 2, "Monday the 2nd and Monday the 9th");
}

#[test]
fn ramp_up_comes_before_scores_and_means_nothing_where_everybody_gets_the_same() {
    let settings = timeless();
    let of_mode = |mode: Mode| {
        let score = (mode == Mode::Performance).then(|| settings.clone());
        let mut parts = parts(&TWO, policy("by-results", mode, score));
        parts.agents[0].duty = newcomer(Vec::new());
        Workspace::build(parts).unwrap()
    };
    let first_day: Timestamp = "2026-11-02T12:00:00Z".parse().unwrap();
    let table = scores(&TWO, settings.clone(), &[record("anna", 100, 30), record("boris", 100, 10)].concat());
    // Values 4/3 and 2/3 on bases 0.3 and 1: 0.4 : 0.6667, within half and twice the base.
    let shares = shares_at(&of_mode(Mode::Performance), Some(&table), &book(Vec::new()), first_day);
    assert_near(shares[0], 0.4 / (0.4 + 2.0 / 3.0), 1e-12);
    for mode in [Mode::EqualCalls, Mode::EqualTalkTime] {
        assert_near(shares_at(&of_mode(mode), None, &book(Vec::new()), first_day)[0], 0.5, 1e-12);
    }
}

fn without(subjects: Vec<Excluded>, deals: &[Deal]) -> ScoreTable {
    let exclude = |subject| Change::Exclusion { subject, reason: "a test".to_owned(), lifted: false };
    let exclusions = Exclusions::of(&book(subjects.into_iter().map(exclude).collect()));
    let workspace = workspace(&TWO, timeless());
    let bitrix = ConnectionId::from("bitrix");
    let input = ScoreInput { exclusions: Some(&exclusions), ..ScoreInput::of(&workspace, BY_RESULTS, now()).unwrap() };
    score::compute(&input, deals.iter().map(|deal| (&bitrix, deal)))
}

#[test]
fn an_excluded_deal_does_not_count_and_is_told() {
    let deals = [record("anna", 10, 5), record("boris", 10, 5)].concat();
    let deal = |id: &str| Excluded::Deal { connection: "bitrix".into(), deal: id.into() };
    let table = without(vec![deal("anna-0"), deal("anna-9"), deal("nothing")], &deals);
    let anna = of(&table, "anna");
    assert_eq!((anna.contracts_closed, anna.opportunities, anna.revenue), (4, 8, money("400")));
    let told: Vec<(&str, u64)> = table.exclusions.iter().map(|applied| (applied.agent.as_str(), applied.items)).collect();
    assert_eq!(told, [("anna", 1), ("anna", 1)]);
    // What is known of contracts is what the CRM shows, so that taking some out raises no alarm.
    assert_eq!(anna.contracts_known, 5);
}

#[test]
fn excluded_days_are_whole_days_of_the_workspace() {
    let on = |id: &str, user: &str, at: &str| Deal { closed_at: Some(at.parse().unwrap()), ..won(id, user, "100") };
    let deals = [
        on("before", "anna", "2026-11-09T23:59:59Z"),
        on("first", "anna", "2026-11-10T00:00:00Z"),
        on("last", "anna", "2026-11-11T23:59:59Z"),
        on("after", "anna", "2026-11-12T00:00:00Z"),
        on("other", "boris", "2026-11-10T12:00:00Z"),
    ];
    let days =
        |agent: Option<&str>| Excluded::Days { agent: agent.map(Into::into), from: date(2026, 11, 10), to: date(2026, 11, 11) };
    let contracts = |subject| {
        let table = without(vec![subject], &deals);
        (of(&table, "anna").contracts_closed, of(&table, "boris").contracts_closed)
    };
    assert_eq!(contracts(days(Some("anna"))), (2, 1));
    assert_eq!(contracts(days(None)), (2, 0));
}

#[test]
fn what_is_lifted_counts_again() {
    let subject = Excluded::Deal { connection: "bitrix".into(), deal: "anna-0".into() };
    let exclusion = |lifted| Change::Exclusion { subject: subject.clone(), reason: "a test".to_owned(), lifted };
    let lifted = Exclusions::of(&book(vec![exclusion(false), exclusion(true)]));
    assert_eq!(lifted, Exclusions::default());
}

/// Six of equal base, of whom one counts ten times: 10/15 is more than twice the base, so it has 2/6 and the others share the rest.
#[test]
fn an_explanation_says_that_the_ceiling_holds() {
    let six = ["a", "b", "c", "d", "e", "f"];
    let workspace = workspace(&six, timeless());
    let adjustments = Adjustments::at(&workspace, BY_RESULTS, &book(vec![correction("a", 10.0, None)]), now());
    let why = |agent: &str| {
        explain(&workspace, (TEAM, MemberRef::Agent(workspace.find_agent(&agent.into()).unwrap())), None, &adjustments).unwrap()
    };
    let (a, b) = (why("a"), why("b"));
    assert_near(a.target, 1.0 / 3.0, 1e-12);
    assert_eq!((a.limited_by, b.limited_by), (Some(Limit::Ceiling), None));
    // The others: tau * 1/6 = (2/3) / 5, so tau = 0.8, the same for all.
    assert_near(b.target, 2.0 / 15.0, 1e-12);
    assert_near(a.tau.unwrap(), 0.8, 1e-12);
    assert_near(b.tau.unwrap(), 0.8, 1e-12);
    assert_near(a.part, 1.0 / 6.0, 1e-12);
    // Taken down to a tenth: 0.1/5.1 is less than half of the base, 1/12.
    let adjustments = Adjustments::at(&workspace, BY_RESULTS, &book(vec![correction("a", 0.1, None)]), now());
    let low =
        explain(&workspace, (TEAM, MemberRef::Agent(workspace.find_agent(&"a".into()).unwrap())), None, &adjustments).unwrap();
    assert_eq!(low.limited_by, Some(Limit::Floor));
    assert_near(low.target, 1.0 / 12.0, 1e-12);
}

/// One with an end stands in for one without.
#[test]
fn a_lasting_correction_holds_again_after_one_with_an_end() {
    let lasting = correction("a", 2.0, None);
    let timed = correction("a", 0.5, Some(now() + SignedDuration::from_hours(1)));
    let factor = |changes: Vec<Change>, hours: i64| {
        let book = book(changes);
        book.correction(&"a".into(), now() + SignedDuration::from_hours(hours)).map(|correction| correction.factor)
    };
    let both = || vec![lasting.clone(), timed.clone()];
    assert_eq!((factor(both(), 0), factor(both(), 1), factor(both(), 2)), (Some(0.5), Some(2.0), Some(2.0)));
    // The later of either kind replaces both; a factor of 1 takes all back.
    let replaced = vec![timed.clone(), correction("a", 3.0, None)];
    assert_eq!((factor(replaced.clone(), 0), factor(replaced, 2)), (Some(3.0), Some(3.0)));
    let taken_back = vec![lasting.clone(), timed.clone(), correction("a", 1.0, None)];
    assert_eq!((factor(taken_back.clone(), 0), factor(taken_back, 2)), (None, None));
    // Nothing for an hour, then as before.
    let paused = vec![lasting.clone(), correction("a", 1.0, Some(now() + SignedDuration::from_hours(1)))];
    assert_eq!((factor(paused.clone(), 0), factor(paused, 1)), (None, Some(2.0)));
}

proptest! {
    /// The parts of a target share multiply out to it.
    #[test]
    fn a_share_is_explained(
        bases in prop::collection::vec(0.0..100.0f64, 2..6),
        contracts in prop::collection::vec(0usize..60, 6),
        factor in 0.1..10.0f64,
        strength in 0.0..3.0f64,
        since in prop::option::of(0i64..40),
    ) {
        prop_assume!(bases.iter().sum::<f64>() > 0.0);
        let names = ["a", "b", "c", "d", "e", "f"];
        let agents = &names[..bases.len()];
        let settings = ScoreSettings { strength, ..timeless() };
        let mut parts = parts(agents, policy("by-results", Mode::Performance, Some(settings.clone())));
        for (member, base) in parts.groups[0].members.iter_mut().zip(&bases) {
            member.base = *base;
        }
        parts.agents[0].duty.since = since.map(|days| jiff::tz::TimeZone::UTC.to_datetime(days_ago(days)).date());
        let workspace = Workspace::build(parts).unwrap();
        let deals: Vec<Deal> = agents.iter().zip(contracts).flat_map(|(agent, won)| record(agent, 60, won)).collect();
        let table = scores(agents, settings.clone(), &deals);
        let adjustments = Adjustments::at(&workspace, BY_RESULTS, &book(vec![correction("b", factor, None)]), now());
        let targets = adjusted_targets(&workspace, TEAM, Some(&table), &adjustments);
        for (at, member) in targets.members.iter().enumerate() {
            let ix = MemberRef::Agent(workspace.find_agent(&agents[at].into()).unwrap());
            let why = explain(&workspace, (TEAM, ix), Some(&table), &adjustments).unwrap();
            prop_assert_eq!(why.target, member.target);
            match why.scale {
                Some(scale) => {
                    let product = why.base * why.ramp_up * why.value.powf(why.strength) * scale;
                    prop_assert!((product - member.target).abs() <= 1e-12, "{} {:?}", product, why);
                }
                None => prop_assert_eq!(member.target, 0.0),
            }
            // One tau for all, and what holds is told.
            let Some(tau) = why.tau else {
                prop_assert_eq!(why.limited_by, Some(Limit::Ceiling));
                continue;
            };
            let free = tau * why.part * why.value.powf(why.strength);
            let (least, most) = (settings.floor * why.part, settings.ceiling * why.part);
            prop_assert!((free.clamp(least, most) - member.target).abs() <= 1e-9, "{} {:?}", free, why);
            let expected = if free < least - 1e-9 {
                Some(Limit::Floor)
            } else if free > most + 1e-9 {
                Some(Limit::Ceiling)
            } else {
                why.limited_by
            };
            prop_assert_eq!(why.limited_by, expected, "{} {:?}", free, why);
        }
    }
}
