//! What a user sees of a file that makes no sense: `meritline check` names the place and what to do, and fails.

use crate::support::program::{ACME, Program};

const SCORED: &str = "mode: performance, period: 10h, count: answered, score: {crm: [sheet], floor: 0.5, ceiling: 2}";

fn scored() -> String {
    let sheet =
        "  - {id: sheet, integration: crm/csv, settings: {deals: {path: deals.csv, currency: RUB, won: [Won], lost: [Lost],
      columns: {deal: id, user: agent, status: stage, amount: value, closed_at: closed}}}}\n";
    format!("{}{sheet}", ACME.replace("mode: equal_calls, period: 10h, count: answered", SCORED))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_tells_each_mistake_with_its_place_and_its_range() {
    let program = Program::new();
    let sound = scored();
    program.write("acme.yaml", &sound);
    let checked = program.run(&["check", "acme.yaml"]).await;
    assert_eq!(checked.code, 0, "{}", checked.err);
    for (change, to, told) in [
        ("members: [anna, boris]", "members: []", "groups[0].members: "),
        (
            "members: [anna, boris]",
            "members: [{agent: anna, base: 0}, {agent: boris, base: 0}]",
            "the base shares of group `sales` sum to 0",
        ),
        ("members: [anna, boris]", "members: [{agent: anna, base: -1}, boris]", "groups[0].members[0].base: "),
        ("members: [anna, boris]", "members: [{agent: anna, base: .nan}, boris]", "groups[0].members[0].base: "),
        ("members: [anna, boris]", "members: [{agent: anna, base: .inf}, boris]", "groups[0].members[0].base: "),
        ("period: 10h", "period: 25h", "policies[0].period: `25h` is not from 5m to 24h"),
        ("period: 10h", "period: 4m", "policies[0].period: `4m` is not from 5m to 24h"),
        ("period: 10h", "period: -1h", "policies[0].period: expected a duration such as"),
        ("floor: 0.5", "floor: 1.5", "policies[0].score.floor: 1.5 is above 1"),
        ("ceiling: 2", "ceiling: 0.5", "policies[0].score.ceiling: 0.5 is below 1"),
        ("floor: 0.5", "floor: -0.5", "policies[0].score.floor: "),
        ("ceiling: 2", "ceiling: .nan", "policies[0].score.ceiling: "),
        ("ceiling: 2", "ceiling: 2, metrics: {margin: .nan}", "policies[0].score.metrics.margin: "),
        ("ceiling: 2", "ceiling: 2, metrics: {contracts_closed: 0}", "all weights are 0"),
    ] {
        assert!(sound.contains(change), "{change}");
        program.write("acme.yaml", &sound.replace(change, to));
        let checked = program.run(&["check", "acme.yaml"]).await;
        assert_eq!(checked.code, 1, "{to}: {}", checked.out);
        assert!(checked.err.starts_with("acme.yaml:") && checked.err.contains(told), "{to}: {}", checked.err);
        let applied = program.run(&["workspace", "apply", "acme.yaml"]).await;
        assert_eq!(applied.code, 1, "{to}: {}", applied.out);
    }
    let listed = program.run(&["workspace", "list"]).await;
    assert!(
        listed.out.contains("no workspace yet") || listed.err.contains("there is no database"),
        "nothing was applied: {}",
        listed.err
    );
}
