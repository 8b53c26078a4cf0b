//! Simulation files: the examples, and what is wrong with others, in which words.

use meritline::core::policy::Mode;
use meritline::core::simulate::{
    AfterCall, Distribution, Load, LoggedCall, Rule, ShareSource, SimulatedGuard, SimulatedPolicy, check,
};
use meritline::simulation_file::{SimulationFile, read};

use super::floor;

const SOUND: &str = r#"simulation: small
load: {calls_per_hour: 20}
talk: {exponential: 5m}
agents:
  - {id: anna, base: 2, away: [{from: 1h, until: 2h}]}
  - {id: boris}
policies:
  - {id: ours}
  - {id: idle, rule: longest_idle}
compare_with: idle
"#;

fn no_tables(name: &str) -> Result<String, String> {
    Err(format!("no table {name} here"))
}

fn sound(text: &str) -> SimulationFile {
    read(text, "small.yaml", &no_tables).unwrap_or_else(|problems| panic!("{}", problems[0]))
}

/// What is told of the sound file with something replaced.
fn told(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from), "{from}");
    let problems = read(&SOUND.replacen(from, to, 1), "small.yaml", &no_tables).expect_err(to);
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_file_says_little_and_means_the_usual() {
    let file = sound(SOUND);
    assert_eq!((file.id.as_str(), file.title.as_str(), file.seed, file.replications), ("small", "small", 1, 10));
    let scenario = &file.scenario;
    assert_eq!((scenario.days, scenario.open_seconds, scenario.warm_up_seconds), (20, 9.0 * 3600.0, 0.0));
    assert_eq!((scenario.patience.as_ref(), &scenario.after_call), (None, &AfterCall::None));
    assert_eq!((scenario.load.clone(), scenario.talk.clone()), (Load::PerHour(vec![20.0]), Distribution::Exponential(300.0)));
    assert_eq!((scenario.agents[0].base, scenario.agents[1].base, scenario.agents[1].conversion), (2.0, 1.0, 0.1));
    assert_eq!((scenario.agents[0].away[0].from_seconds, scenario.agents[0].away[0].until_seconds), (3600.0, 7200.0));
    assert_eq!(file.policies[0], SimulatedPolicy::of_mode("ours", Mode::Percent));
    assert_eq!((file.policies[1].rule, file.compare_with), (Rule::LongestIdle, 1));
}

#[test]
fn knobs_are_read() {
    let text = SOUND.replace(
        "  - {id: ours}\n",
        "  - {id: ours, mode: performance, period: 2h, count: offered, guard: standard, score: {strength: 2, half_life: none, \
         horizon: all, deal_cap: \"off\", smoothing: 0}, cap: \"off\", grows_over: free}\n  - {id: raw, mode: raw_totals, guard: \
         {occupancy: [0.7, 0.8], hysteresis: false}}\n",
    );
    let file = sound(&text.replace("agents:\n", "wrap_up: {per_talk_second: 0.2}\nagents:\n"));
    let (ours, raw) = (&file.policies[0], &file.policies[1]);
    assert_eq!((ours.shares, ours.period_seconds), (ShareSource::Mode(Mode::Performance), 7200.0));
    assert_eq!((ours.guard, raw.shares), (Some(SimulatedGuard::STANDARD), ShareSource::RawTotals));
    assert_eq!((ours.score.half_life_days, ours.score.horizon_days, ours.score.deal_cap), (None, None, None));
    assert_eq!((ours.score.strength, ours.score.smoothing_seconds, ours.score.caution), (2.0, 0, 10.0));
    assert_eq!(ours.rule, super::credit(meritline::core::simulate::GrowsOver::Free, None));
    let guard = raw.guard.unwrap();
    assert!(!guard.hysteresis && guard.limits.talk_minutes.is_none() && guard.limits.occupancy.is_some());
    let AfterCall::ByTalk(wrap_up) = file.scenario.after_call else { panic!("{:?}", file.scenario.after_call) };
    assert_eq!((wrap_up.base_seconds, wrap_up.per_talk_second, wrap_up.max_seconds), (30.0, 0.2, 180.0));
}

#[test]
fn calls_can_be_recorded_in_the_file_or_in_a_table() {
    let inline = sound(&SOUND.replace("{calls_per_hour: 20}", "{log: [{at: 90000, talk: 60}, {at: 5.5, talk: 30}]}"));
    let call = |at_seconds, talk_seconds| LoggedCall { at_seconds, talk_seconds };
    assert_eq!(inline.scenario.load, Load::Log(vec![call(90_000.0, 60.0), call(5.5, 30.0)]));
    // A record covers as many days as it needs.
    assert_eq!(inline.scenario.days, 2);
    let text = SOUND.replace("{calls_per_hour: 20}", "{file: calls.csv}");
    let table = |content: &'static str| read(&text, "small.yaml", &move |_: &str| Ok(content.to_owned()));
    let file = table("talk,at\n60,0\n 30 , 5.5\n").unwrap();
    assert_eq!(file.scenario.load, Load::Log(vec![call(0.0, 60.0), call(5.5, 30.0)]));
    let refused = |content| table(content).unwrap_err()[0].to_string();
    assert!(refused("at,talk\n1,2\n3,NaN\n").contains("small.yaml:2:"), "{}", refused("at,talk\n1,2\n3,NaN\n"));
    assert!(refused("at,talk\n1,2\n3,NaN\n").contains("line 3: `talk` must be seconds of at least 0, found `NaN`"));
    assert!(refused("at,length\n1,2\n").contains("no column `talk`"));
    assert!(refused("at,talk\n").contains("the record has no calls"));
    let missing = read(&text, "small.yaml", &no_tables).unwrap_err()[0].to_string();
    assert!(missing.contains("calls.csv: no table calls.csv here"), "{missing}");
}

#[test]
fn mistakes_are_told_with_place_and_remedy() {
    for (from, to, expected) in [
        ("  - {id: boris}", "  - {id: boris, base: -1}", "small.yaml:6:17: agents[1].base: expected at least 0, found -1"),
        ("base: 2", "base: .nan", "agents[0].base: expected a number, found `.nan`"),
        ("base: 2", "base: 1e999", "agents[0].base"),
        ("base: 2, away", "conversion: 1.2, away", "agents[0].conversion: expected at most 1, found 1.2"),
        (
            "{exponential: 5m}",
            "{exponential: 0s}",
            "talk: a duration must be from 0 seconds to 7 days, found 0 s; a mean must be above 0",
        ),
        (
            "{exponential: 5m}",
            "{exponential: -5m}",
            "talk.exponential: expected a duration such as 90s, 5m, 8h or 30d, found `-5m`",
        ),
        ("{exponential: 5m}", "{constant: 400d}", "found 34560000 s"),
        ("{exponential: 5m}", "{log_normal: {mean: 5m}}", "`cv` is missing"),
        ("calls_per_hour: 20", "calls_per_hour: 0", "no calls come at all"),
        ("calls_per_hour: 20", "profile: [0, 0]", "no calls come at all"),
        ("calls_per_hour: 20", "calls_per_hour: 9000000", "at most 50000000 are simulated: give fewer days"),
        ("  - {id: boris}", "  - {id: anna}", "agents[1].id: `anna` is taken by an earlier agent"),
        ("  - {id: idle,", "  - {id: ours,", "policies[1].id: `ours` is taken by an earlier policy"),
        (
            "until: 2h",
            "until: 30m",
            "agents[0].away[0]: an absence must begin before it ends and lie between opening and closing",
        ),
        ("until: 2h}", "until: 2h}, {from: 90m, until: 3h}", "this absence begins before the one above it ends"),
        ("until: 2h", "until: 10h", "between opening and closing"),
        ("compare_with: idle", "compare_with: idel", "compare_with: `idel` is not one of the policies; did you mean `idle`?"),
        ("rule: longest_idle", "rule: longest_idl", "did you mean `longest_idle`?"),
        ("rule: longest_idle", "rule: random, mode: equal_talk_time", "mode `equal_talk_time` needs rule `credit`"),
        ("rule: longest_idle", "rule: random, cap: 3", "`cap` goes with rule `credit` only"),
        ("rule: longest_idle", "guard: {occupancy: [0.9, 0.8]}", "a band is [from, to] with 0 <= from <= to, found [0.9, 0.8]"),
        ("rule: longest_idle", "score: {floor: 1.5}", "policies[1].score.floor: expected at most 1, found 1.5"),
        ("rule: longest_idle", "score: {ceiling: 0.5}", "policies[1].score.ceiling: expected at least 1, found 0.5"),
        ("rule: longest_idle", "period: 25h", "the period in seconds must be from 300 to 86400, found 90000"),
        ("load:", "warm_up: 20d\nload:", "warm_up: the warm-up is as long as the whole simulation"),
        ("load:", "base_changes: [{agent: ana, at: 1h, base: 2}]\nload:", "`ana` is not an agent; did you mean `anna`?"),
        ("load:", "fatigue: {talk_loss: 2}\nload:", "fatigue.talk_loss: expected at most 1, found 2"),
        ("load:", "replications: 0\nload:", "replications: expected at least 1, found 0"),
        ("load:", "loads: 1\nload:", "`loads` is not known here; did you mean `load`?"),
        ("load:", "wrap_up: {constant: 10s, max_seconds: 60}\nload:", "wrap_up: give either"),
        ("load:", "open: 5\nload:", "open: expected a duration such as 90s, 5m, 8h or 30d, found the number 5"),
        ("rule: longest_idle", "cap: of", "policies[1].cap: expected a number of calls, or \"off\", found `of`"),
        (
            "rule: longest_idle",
            "guard: gentle",
            "expected a preset (light, standard, strict) or a block of indicators, found `gentle`",
        ),
        ("rule: longest_idle", "guard: {talk_minute: [1, 2]}", "`talk_minute` is not known here; did you mean `talk_minutes`?"),
        ("policies:", "policy:", "`policies` is missing"),
    ] {
        let told = told(from, to);
        assert!(told.contains(expected), "{to}: {told}");
    }
    let nobody = SOUND.replace("base: 2", "base: 0").replace("{id: boris}", "{id: boris, base: 0}");
    let problems = read(&nobody, "small.yaml", &no_tables).unwrap_err();
    assert!(problems[0].message.contains("all bases are 0: nobody would ever be rung"), "{}", problems[0]);
    let none = SOUND.replace("agents:\n  - {id: anna, base: 2, away: [{from: 1h, until: 2h}]}\n  - {id: boris}\n", "agents: 0\n");
    let problems = read(&none, "small.yaml", &no_tables).unwrap_err();
    assert!(problems[0].message.contains("expected at least 1, found 0"), "{}", problems[0]);
}

/// Boris is typed down at 2:00, anna at 4:00: from then on nobody would be rung. What is typed at one instant holds together.
#[test]
fn changes_that_leave_nobody_a_share_are_refused_at_the_last_of_them() {
    let with = |changes: &str| {
        let text = SOUND.replace("policies:\n", &format!("base_changes: [{changes}]\npolicies:\n"));
        read(&text, "small.yaml", &no_tables).map_err(|problems| problems[0].to_string())
    };
    let refused = with("{agent: anna, at: 4h, base: 0}, {agent: boris, at: 2h, base: 0}").unwrap_err();
    assert!(refused.contains("base_changes[0].base: with this change all bases are 0"), "{refused}");
    with("{agent: anna, at: 2h, base: 0}, {agent: boris, at: 2h, base: 3}").unwrap();
    with("{agent: anna, at: 4h, base: 0}, {agent: boris, at: 2h, base: 0}, {agent: boris, at: 4h, base: 1}").unwrap();
}

/// Values that no file can hold are refused as well, wherever they stand.
#[test]
fn what_is_no_number_is_refused_everywhere() {
    let sound = || floor(&[1.0, 1.0], 20.0, Distribution::Exponential(300.0));
    let policy = || vec![SimulatedPolicy::of_mode("p", Mode::Percent)];
    assert_eq!(check(&sound(), &policy()), []);
    for spoiled in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0] {
        let mut cases = Vec::new();
        let mut with = |at: &'static str, spoil: &dyn Fn(&mut meritline::core::simulate::Scenario)| {
            let mut scenario = sound();
            spoil(&mut scenario);
            cases.push((at, check(&scenario, &policy())));
        };
        with("/agents/1/base", &|scenario| scenario.agents[1].base = spoiled);
        with("/agents/0/conversion", &|scenario| scenario.agents[0].conversion = spoiled);
        with("/agents/0/average_check", &|scenario| scenario.agents[0].average_check = spoiled);
        with("/load/calls_per_hour", &|scenario| scenario.load = Load::PerHour(vec![spoiled]));
        with("/load/log/0/at", &|scenario| {
            scenario.load = Load::Log(vec![LoggedCall { at_seconds: spoiled, talk_seconds: 1.0 }]);
        });
        with("/talk", &|scenario| scenario.talk = Distribution::LogNormal { mean: 60.0, cv: spoiled });
        with("/talk", &|scenario| scenario.talk = Distribution::Observed(vec![60.0, spoiled].into()));
        with("/patience", &|scenario| scenario.patience = Some(Distribution::Constant(spoiled)));
        with("/open", &|scenario| scenario.open_seconds = spoiled);
        with("/warm_up", &|scenario| scenario.warm_up_seconds = spoiled);
        with("/check_spread", &|scenario| scenario.check_cv = spoiled);
        for (at, faults) in cases {
            assert!(faults.iter().any(|fault| fault.at == at), "{spoiled} at {at}: {faults:?}");
        }
    }
    let mut nobody = sound();
    nobody.agents.clear();
    assert!(check(&nobody, &policy())[0].message.contains("there is nobody to take calls"));
    assert!(check(&sound(), &[])[0].message.contains("at least one policy"));
}

#[test]
fn every_example_is_sound_and_explains_itself() {
    let folder = crate::support::contract::file("docs/examples");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let file = read(&text, &name, &no_tables).unwrap_or_else(|problems| panic!("{}", problems[0]));
        assert!(file.description.len() > 80 && text.contains(&format!("meritline simulate docs/examples/{name}")), "{name}");
        names.push(name);
    }
    names.sort();
    let expected =
        ["absence", "busy_team", "echo", "erlang", "revenue", "talk_time", "weight_change"].map(|name| format!("{name}.yaml"));
    assert_eq!(names, expected);
}
