//! Groups that share calls by their results: the sums of their people's, measured by the formulas of a person.

use super::*;
use meritline::core::ids::GroupId;
use meritline::core::scoring::adjustments::Adjustments;
use meritline::core::scoring::score_judge::{self, Occasion, Replacement, Verdict};
use meritline::core::shares::share_plan::SharePlan;
use meritline::core::shares::target_share::{explain, targets};
use meritline::core::workspace::MemberRef;

/// Groups by id and members; the first shares by results, the others by typed percent. A member may have a base: `boris:0`.
fn grouped(agents: &[&str], score: ScoreSettings, groups: &[(&str, &[&str])]) -> Workspace {
    let mut parts = parts(agents, policy("by-results", Mode::Performance, Some(score)));
    parts.policies.push(policy("typed", Mode::Percent, None));
    let member = |text: &&str| {
        let (id, base) = text.split_once(':').unwrap_or((text, "1"));
        MemberParts { who: MemberName::Any(id.to_owned()), base: base.parse().unwrap() }
    };
    let group = |(at, (id, members)): (usize, &(&str, &[&str]))| GroupParts {
        id: (*id).into(),
        members: members.iter().map(member).collect(),
        policy: if at == 0 { "by-results" } else { "typed" }.into(),
        hours: None,
    };
    parts.groups = groups.iter().enumerate().map(group).collect();
    Workspace::build(parts).unwrap()
}

fn scored(workspace: &Workspace, deals: &[Deal]) -> ScoreTable {
    let bitrix = ConnectionId::from("bitrix");
    score::compute(&ScoreInput::of(workspace, BY_RESULTS, now()).unwrap(), deals.iter().map(|deal| (&bitrix, deal)))
}

fn pooled<'t>(table: &'t ScoreTable, group: &str) -> &'t AgentScore {
    &table.score_of_group(&GroupId::from(group)).unwrap().pooled
}

fn shares(workspace: &Workspace, table: &ScoreTable) -> Vec<f64> {
    targets(workspace, TEAM, Some(table)).members.iter().map(|member| member.target).collect()
}

/// 620 opportunities, 64 contracts.
fn five_sellers() -> Vec<Deal> {
    [record("anna", 200, 30), record("boris", 200, 20), record("clara", 20, 4), record("denis", 200, 10)].concat()
}

const FIVE: [&str; 5] = ["anna", "boris", "clara", "denis", "new"];
const TWO_GROUPS: [(&str, &[&str]); 3] =
    [("sales", &["east", "west"]), ("east", &["anna", "denis"]), ("west", &["boris", "clara", "new"])];

/// East 400/40, west 220/24, both against 64/620: 50 / 51.290323 and 34 / 32.709677.
#[test]
fn a_group_is_measured_by_the_sums_of_its_people() {
    let workspace = grouped(&FIVE, timeless(), &TWO_GROUPS);
    let table = scored(&workspace, &five_sellers());
    assert_near(table.pool.base_rate.unwrap(), 64.0 / 620.0, 1e-15);
    for (group, opportunities, contracts, index) in [("east", 400, 40, 0.974843), ("west", 220, 24, 1.039448)] {
        let score = pooled(&table, group);
        assert_eq!((score.opportunities, score.contracts_closed), (opportunities, contracts), "{group}");
        assert_near(score.conversion_index, index, 5e-7);
        assert_near(score.check_index, 1.0, 1e-12);
        assert_near(score.value, index, 5e-7);
    }
    assert_near(pooled(&table, "east").expected_contracts, 400.0 * 64.0 / 620.0, 1e-12);
    assert_eq!(pooled(&table, "east").revenue, money("4000"));
    let people = &table.score_of_group(&"west".into()).unwrap().people;
    assert_eq!(people.iter().map(AgentId::as_str).collect::<Vec<_>>(), ["boris", "clara", "new"]);
    // 0.974843 and 1.039448 over their sum, 2.014290.
    for (share, expected) in shares(&workspace, &table).iter().zip([0.483963, 0.516037]) {
        assert_near(*share, expected, 5e-7);
    }
    // People are measured as ever.
    assert_near(of(&table, "anna").value, 1.305263, 5e-7);
}

#[test]
fn checks_are_added_up_too() {
    let amounts_of = |user: &str, amounts: [&str; 10]| -> Vec<Deal> {
        let contracts = amounts.iter().enumerate().map(|(at, amount)| won(&format!("{user}-{at}"), user, amount));
        contracts.chain((10..100).map(|at| lost(&format!("{user}-{at}"), user))).collect()
    };
    let a = amounts_of("a", ["40", "50", "60", "50", "45", "55", "50", "50", "50", "1000"]);
    let deals = [a, amounts_of("b", ["50"; 10])].concat();
    let groups: [(&str, &[&str]); 4] =
        [("all", &["both", "first", "second"]), ("both", &["a", "b"]), ("first", &["a", "new"]), ("second", &["b"])];
    let table = scored(&grouped(&["a", "b", "new"], timeless(), &groups), &deals);
    // With the cap of 150 the mean is 55: 600 of it is 10.909 average contracts, 500 is 9.091, both together are 20.
    assert_near(pooled(&table, "both").check_index, 1.0, 1e-12);
    assert_near(pooled(&table, "first").check_index, 1.045455, 5e-7);
    assert_near(pooled(&table, "second").check_index, 0.954545, 5e-7);
    assert_eq!(pooled(&table, "both").average_check, Some(money("97.5")));
    assert_eq!(pooled(&table, "both").capped_check, Some(money("55")));
}

#[test]
fn further_metrics_are_added_up_and_the_explanation_multiplies_out() {
    let mut metrics = weights(1.0, 0.5);
    metrics.push(MetricSetting::more(Metric::Revenue, 2.0));
    let workspace = grouped(&FIVE, ScoreSettings { metrics, ..timeless() }, &TWO_GROUPS);
    let table = scored(&workspace, &five_sellers());
    for group in ["east", "west"] {
        let score = pooled(&table, group);
        // Every contract is an average one: revenue per opportunity is conversion.
        assert_near(score.further[0].index, score.conversion_index, 1e-12);
        assert_near(score.value, score.conversion_index.powi(3), 1e-12);
        let why = table.explain_group(&group.into()).unwrap();
        assert_eq!(why.metrics.len(), 3);
        assert_near(why.metrics.iter().map(|metric| metric.contribution).product(), score.value, 1e-12);
        let who = MemberRef::Group(workspace.find_group(&group.into()).unwrap());
        let share = explain(&workspace, (TEAM, who), Some(&table), &Adjustments::default()).unwrap();
        assert_near(share.base * share.ramp_up * share.value.powf(share.strength) * share.scale.unwrap(), share.target, 1e-12);
    }
    assert_eq!(table.explain_group(&"nobody".into()), None);
}

/// Anna herself, west as a whole, and Denis: 1.305263, 1.039448, 0.652632 over 2.997343.
#[test]
fn agents_and_groups_may_stand_side_by_side() {
    let groups: [(&str, &[&str]); 2] = [("sales", &["anna", "west", "denis"]), ("west", &["boris", "clara", "new"])];
    let workspace = grouped(&FIVE, timeless(), &groups);
    let table = scored(&workspace, &five_sellers());
    for (share, expected) in shares(&workspace, &table).iter().zip([0.435474, 0.346790, 0.217737]) {
        assert_near(*share, expected, 1e-6);
    }
}

#[test]
fn groups_inside_groups_count_everybody_once() {
    let groups: [(&str, &[&str]); 4] = [
        ("sales", &["north", "denis"]),
        ("north", &["east", "anna"]),
        ("east", &["anna", "boris", "clara:0"]),
        ("unused", &["new"]),
    ];
    let workspace = grouped(&FIVE, timeless(), &groups);
    let table = scored(&workspace, &five_sellers());
    let people = &table.score_of_group(&"north".into()).unwrap().people;
    assert_eq!(people.iter().map(AgentId::as_str).collect::<Vec<_>>(), ["anna", "boris"], "base 0 is never rung there");
    // Anna, Boris and Denis: 60 of 600, a tenth; north 50 of 400: 60 / 50.
    assert_near(table.pool.base_rate.unwrap(), 0.1, 1e-15);
    assert_near(pooled(&table, "north").value, 1.2, 1e-12);
    assert_eq!(table.groups.len(), 1, "east shares by typed percent, inside north only");
}

/// Clara is in both: 34 of 220 and 24 of 220, against 54 of 420 with her once.
#[test]
fn who_is_in_two_groups_counts_in_full_in_each() {
    let groups: [(&str, &[&str]); 3] =
        [("sales", &["east", "west"]), ("east", &["anna", "clara"]), ("west", &["boris", "clara"])];
    let table = scored(&grouped(&["anna", "boris", "clara"], timeless(), &groups), &five_sellers());
    assert_near(table.pool.base_rate.unwrap(), 54.0 / 420.0, 1e-15);
    let expected = 220.0 * 54.0 / 420.0 + 10.0;
    assert_near(pooled(&table, "east").value, 44.0 / expected, 1e-12);
    assert_near(pooled(&table, "west").value, 34.0 / expected, 1e-12);
}

#[test]
fn floor_ceiling_smoothing_and_quarantine_are_those_of_people() {
    let bold = ScoreSettings { caution: 0.0, ceiling: 1.2, ..timeless() };
    let workspace = grouped(&["anna", "boris"], bold, &[("sales", &["east", "west"]), ("east", &["anna"]), ("west", &["boris"])]);
    // 30 against 10 of 100 each: 0.75 and 0.25 without bounds.
    let table = scored(&workspace, &[record("anna", 100, 30), record("boris", 100, 10)].concat());
    let sought = targets(&workspace, TEAM, Some(&table));
    assert_near(sought.members[0].target, 0.6, 1e-12);
    assert_eq!((sought.smoothing_seconds, sought.scores_as_of), (4 * 3600, Some(now())));
    let even = scored(&workspace, &[record("anna", 100, 20), record("boris", 100, 20)].concat());
    let before = SharePlan::follow(None, &targets(&workspace, TEAM, Some(&even)), now(), true);
    let plan = SharePlan::follow(Some(&before), &sought, now(), true);
    // Half the way after four hours.
    assert_near(plan.published(now() + SignedDuration::from_hours(4))[0], 0.55, 1e-12);
    let tables = Replacement { previous: &even, next: &table, adjustments: &Adjustments::default() };
    let verdict = score_judge::judge_shares(&workspace, BY_RESULTS, &tables, Occasion::Refresh);
    assert!(matches!(verdict, Verdict::Refuse(_)), "ten points at once: {verdict:?}");
    let stored: ScoreTable = serde_json::from_str(&serde_json::to_string(&table).unwrap()).unwrap();
    assert_eq!(stored, table);
    assert!(table.differs_from(&even));
}

#[test]
fn a_group_without_results_is_average() {
    let workspace =
        grouped(&FIVE, timeless(), &[("sales", &["east", "fresh"]), ("east", &["anna", "boris"]), ("fresh", &["new"])]);
    let table = scored(&workspace, &five_sellers());
    assert_near(pooled(&table, "fresh").value, 1.0, 1e-12);
    let nothing = scored(&workspace, &[]);
    assert_eq!(shares(&workspace, &nothing), [0.5, 0.5]);
}
