//! Where a share is set, the command line warns of what nobody could carry, and refuses nothing for it.

use jiff::SignedDuration;
use meritline::broker::ports::Clock;
use meritline::service::clock::SystemClock;

use super::live::eight;
use crate::support::program::Program;
use crate::support::service::TestService;

const FILE: &str = r#"
workspace: acme
name: ACME Sales
time_zone: Europe/Moscow
default_region: RU
currency: RUB
agents:
  - {id: a0, name: A, numbers: [{sip: "100"}]}
  - {id: a1, name: B, numbers: [{sip: "101"}]}
  - {id: a2, name: C, numbers: [{sip: "102"}]}
  - {id: a3, name: D, numbers: [{sip: "103"}]}
  - {id: a4, name: E, numbers: [{sip: "104"}]}
  - {id: a5, name: F, numbers: [{sip: "105"}]}
  - {id: a6, name: G, numbers: [{sip: "106"}]}
groups:
  - id: sales
    policy: typed
    members:
      - {agent: a0, base: 29}
      - {agent: a1, base: 12}
      - {agent: a2, base: 12}
      - {agent: a3, base: 12}
      - {agent: a4, base: 12}
      - {agent: a5, base: 12}
      - {agent: a6, base: 11}
policies:
  - {id: typed, mode: percent, period: 10h, count: answered}
routes:
  - {id: main, called: any, group: sales, fallback: {number: "+74951112200"}}
connections:
  - {id: pbx, integration: pbx/native, events: full, settings: {token: "env:PBX_TOKEN"}}
"#;

const WARNING: &str = "acme.yaml:19:9: groups[0].members[0]: the share of `a0` in group `sales`, 29 %, is more than one person can \
                       carry: at 40 answered calls an hour of 7 minutes each at most 18 %; what is missed goes to the others: \
                       lower the share, or add people";

/// A store with two hours of 40 calls an hour of seven minutes, some hours ago, and a program that uses it.
async fn recorded(hours_ago: i64) -> (Program, TestService) {
    let service = TestService::of(eight().build()).await;
    let start = SystemClock.now().checked_sub(SignedDuration::from_hours(hours_ago)).unwrap();
    service.site.clock.pass(start.duration_since(service.site.clock.now()).as_secs());
    service.conversations("c", 80, 90, 420).await;
    service.store.shut_down().await;
    let program = Program::new();
    program.write("meritline.toml", &format!("database_url = \"sqlite://{}\"\n", service.site.file().display()));
    program.write("acme.yaml", FILE);
    (program, service)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_that_one_person_cannot_carry_is_warned_about_where_it_is_set() {
    // Over a weekend: what matters are the last days with calls.
    let (program, _kept) = recorded(100).await;
    let checked = program.run(&["check", "acme.yaml"]).await;
    assert_eq!(checked.code, 0, "{}", checked.err);
    assert!(checked.err.contains(&format!("warning: {WARNING}")), "{}", checked.err);
    assert_eq!(checked.err.matches("can carry").count(), 1, "twelve percent are no reason: {}", checked.err);
    let applied = program.run(&["workspace", "apply", "acme.yaml"]).await;
    assert_eq!((applied.code, applied.out.lines().last()), (0, Some("Applied.")), "{}", applied.err);
    assert!(applied.err.contains(&format!("warning: {WARNING}")), "{}", applied.err);
    // 14 of 85 are 16 %.
    program.write("acme.yaml", &FILE.replace("base: 29", "base: 14"));
    let lowered = program.run(&["workspace", "apply", "acme.yaml"]).await;
    assert_eq!((lowered.code, lowered.err.as_str()), (0, ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_recent_calls_or_a_store_nothing_is_said_of_shares() {
    let (program, _kept) = recorded(24 * 20).await;
    let applied = program.run(&["workspace", "apply", "acme.yaml"]).await;
    assert_eq!((applied.code, applied.err.as_str()), (0, ""));
    let program = Program::new();
    program.write("acme.yaml", FILE);
    let checked = program.run(&["check", "acme.yaml"]).await;
    assert_eq!((checked.code, checked.err.as_str()), (0, ""));
    assert!(!program.path("meritline.db").exists(), "checking makes no store");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_cannot_be_read_is_no_fault_of_the_file() {
    let program = Program::new();
    program.write("acme.yaml", FILE);
    program.write("meritline.db", "not a database at all, but long enough to be looked at as if it were one. ");
    let checked = program.run(&["check", "acme.yaml"]).await;
    assert_eq!(checked.code, 0, "{}", checked.err);
    assert!(checked.err.starts_with("warning: whether shares can be carried could not be told: "), "{}", checked.err);
}
