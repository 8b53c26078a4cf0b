//! Which route a call takes by who calls and when; and that the CRM is asked only where it matters.

use meritline::broker::caller_lookup::LookupLimits;
use meritline::broker::ports::Clock;
use serde_json::json;
use std::time::Duration;

use super::{CALLED, CALLER, OTHER, service};
use crate::support::fakes::Mood;
use crate::support::service::Site;

/// Each kind of caller has a route of its own; whoever fits none takes the last.
const BY_CALLER: &str = r#"
  - {id: known, when: {caller: known}, group: first, fallback: {number: "+74951112201"}}
  - {id: unknown, when: {caller: unknown}, group: second, fallback: {number: "+74951112202"}}
  - {id: withheld, when: {caller: withheld}, reject: {}}
  - {id: rest, branch: night, fallback: {number: "+74951112203"}}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_known_unknown_or_withheld() {
    let service = service(BY_CALLER).await;
    service.site.directory.knows(CALLER, "1");
    assert_eq!(service.rung("c-1", Some(CALLER)).await, "anna");
    assert_eq!(service.rung("c-2", Some(OTHER)).await, "boris");
    assert_eq!(service.answered("c-3", None).await["outcome"], "reject");
    // What cannot be read is as good as withheld.
    assert_eq!(service.answered("c-4", Some("anonymous")).await["outcome"], "reject");
}

/// Neither known nor unknown: both routes are passed over, and the answer says what it had to do without.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_crm_gives_no_word_a_caller_is_neither_known_nor_unknown() {
    for mood in [Mood::Hangs, Mood::Errors] {
        let service = service(BY_CALLER).await;
        service.site.directory.knows(CALLER, "1");
        service.site.directory.set_mood(mood);
        let answer = service.answered("c-1", Some(CALLER)).await;
        assert_eq!(answer["outcome"], "branch");
        assert_eq!(answer["branch"], "night");
        assert_eq!(answer["degraded"], json!(["caller_lookup"]));
        assert_eq!(answer["fallback"]["number"], "+74951112203");
    }
}

/// An older word counts as a word: the caller is served by it, and the answer says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_word_of_the_crm_counts() {
    let limits = LookupLimits { fresh: Duration::ZERO, ..LookupLimits::default() };
    let mut site = Site::new(vec![super::workspace(BY_CALLER)]);
    site.lookup = limits;
    let service = site.start().await;
    service.site.directory.knows(CALLER, "1");
    assert_eq!(service.rung("c-1", Some(CALLER)).await, "anna");
    service.site.directory.set_mood(Mood::Errors);
    let answer = service.answered("c-2", Some(CALLER)).await;
    assert_eq!((answer["outcome"].clone(), answer["degraded"].clone()), (json!("ring"), json!(["caller_stale"])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_holds_numbers_in_any_spelling_and_beginnings_of_numbers() {
    let service = service(
        r#"
  - {id: vips, when: {list: vip}, group: first, fallback: {number: "+74951112201"}}
  - {id: both, when: {list: [vip, spam]}, reject: {}}
  - {id: rest, group: second, fallback: {number: "+74951112202"}}"#,
    )
    .await;
    assert_eq!(service.rung("c-1", Some("79161234567")).await, "anna", "the PBX writes it without a plus");
    assert_eq!(service.rung("c-2", Some("+74957654321")).await, "anna", "+7495*");
    assert_eq!(service.answered("c-3", Some(OTHER)).await["outcome"], "reject", "on one of two lists");
    assert_eq!(service.rung("c-4", Some("+79163334455")).await, "boris", "on neither");
    assert_eq!(service.rung("c-5", None).await, "boris", "a withheld number is on no list");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_is_what_the_crm_says() {
    let service = service(
        r#"
  - {id: customers, when: {segment: [company, contact]}, group: first, fallback: {number: "+74951112201"}}
  - {id: leads, when: {segment: lead, caller: known}, group: second, fallback: {number: "+74951112202"}}
  - {id: rest, branch: night}"#,
    )
    .await;
    service.site.directory.knows_in(CALLER, "1", &["contact"]);
    service.site.directory.knows_in(OTHER, "1", &["lead"]);
    service.site.directory.knows_in("+79165556677", "1", &[]);
    let customer = service.answered("c-1", Some(CALLER)).await;
    assert_eq!(customer["targets"][0]["agent"], "anna");
    assert_eq!(customer["caller"]["segments"], json!(["contact"]));
    assert_eq!(service.rung("c-2", Some(OTHER)).await, "boris");
    for (call, caller) in [("c-3", "+79165556677"), ("c-4", "+79163334455")] {
        let answer = service.answered(call, Some(caller)).await;
        assert_eq!(answer["outcome"], "branch", "{caller} is in no segment");
        assert_eq!(answer["caller"].get("segments"), None);
    }
}

/// 2026-11-23 is a Monday. Moscow is three hours ahead of UTC, so the office is open from 06:00 to 15:00 UTC but from 10:00 to 11:00.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_hours_are_those_of_the_moment_the_hook_comes() {
    let service = service(
        r#"
  - {id: day, when: {hours: office}, group: first, fallback: {number: "+74951112201"}}
  - {id: night, when: {hours: {id: office, open: false}}, branch: night}"#,
    )
    .await;
    let start = service.site.clock.now();
    let table = [
        ("2026-11-23T05:59:59Z", "branch"),
        ("2026-11-23T06:00:00Z", "ring"),
        ("2026-11-23T09:59:59Z", "ring"),
        ("2026-11-23T10:00:00Z", "branch"),
        ("2026-11-23T11:00:00Z", "ring"),
        ("2026-11-23T14:59:59Z", "ring"),
        ("2026-11-23T15:00:00Z", "branch"),
        ("2026-11-28T09:00:00Z", "branch"),
    ];
    let mut now = start;
    for (number, (at, outcome)) in table.into_iter().enumerate() {
        let at: jiff::Timestamp = at.parse().unwrap();
        service.site.clock.pass(at.duration_since(now).as_secs());
        now = at;
        let answer = service.answered(&format!("c-{number}"), Some(CALLER)).await;
        assert_eq!(answer["outcome"], outcome, "{at}");
    }
}

/// Nobody needs to know who calls a line that is refused, or left to the scenario, whoever calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_crm_is_asked_only_where_it_matters() {
    let service = service(
        r#"
  - {id: spam, when: {list: spam}, reject: {}}
  - {id: known, scenario: sales, when: {caller: known}, group: first, fallback: {number: "+74951112201"}}
  - {id: menu, scenario: sales, branch: night}
  - {id: main, scenario: ring, group: sales, fallback: {number: "+74951112202"}}
  - {id: later, scenario: later, callback: {group: sales}, fallback: {number: "+74951112202"}}"#,
    )
    .await;
    let asked = |call: &'static str, caller: &'static str, scenario: Option<&'static str>| {
        let (client, directory) = (service.client.clone(), std::sync::Arc::clone(&service.site.directory));
        async move {
            let before = directory.questions();
            let body = json!({"call_id": call, "caller": caller, "called": CALLED, "scenario": scenario});
            client.ask(&body).expect(200).await;
            directory.questions() - before
        }
    };
    assert_eq!(asked("c-1", OTHER, Some("sales")).await, 0, "refused before anybody asks who it is");
    assert_eq!(asked("c-2", CALLER, Some("sales")).await, 1, "a route asks whether the caller is known");
    assert_eq!(asked("c-3", "+79163334455", Some("ring")).await, 1, "who is rung wants to see who calls");
    assert_eq!(asked("c-4", "+79163334466", Some("later")).await, 0, "a promise needs the number only");
    assert_eq!(asked("c-5", "+79163334477", None).await, 0, "no route takes it");
}

/// The choice of the route is part of the answer: asked again, the call gets the same, whatever the CRM says by then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_stays_on_its_route() {
    let service = service(BY_CALLER).await;
    service.site.directory.set_mood(Mood::Errors);
    let body = json!({"call_id": "c-1", "caller": CALLER, "called": CALLED, "attempt": 1});
    let ask = || service.client.ask(&body);
    let first = ask().expect(200).await.text();
    service.site.directory.set_mood(Mood::Answers);
    service.site.directory.knows(CALLER, "1");
    service.site.clock.pass(60);
    assert_eq!(ask().expect(200).await.text(), first);
}
