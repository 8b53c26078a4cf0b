//! What-if with other routes: calls are matched anew from what was asked and what was known of the caller then.

use std::sync::Arc;

use jiff::SignedDuration;
use meritline::broker::ports::Clock;
use meritline::broker::replay::{ReplayRequest, ReplayResult, replay};
use meritline::core::replay::UNKNOWABLE;
use meritline::core::workspace::Workspace;

use super::{CALLER, OTHER, workspace};
use crate::support::service::{Site, TestService};

const MAIN: &str = "\n  - {id: main, group: sales, fallback: {number: \"+74951112200\"}}";

async fn replayed(service: &TestService, current: &Arc<Workspace>, other: &Arc<Workspace>) -> ReplayResult {
    let until = service.site.clock.now().checked_add(SignedDuration::from_secs(1)).unwrap();
    let from = until.checked_sub(SignedDuration::from_hours(2)).unwrap();
    let request = ReplayRequest { current: Arc::clone(current), applied_at: from, other: Arc::clone(other), from, until };
    replay(&*service.store, &request, &mut |_| {}).await.unwrap()
}

/// One call of a known caller in segment `contact`, one of an unknown caller, one withheld; all ring.
async fn three_calls(workspace: &Arc<Workspace>) -> TestService {
    let service = Site::new(vec![Arc::clone(workspace)]).start().await;
    service.site.directory.knows_in(CALLER, "1", &["contact"]);
    for (call, caller) in [("c-1", Some(CALLER)), ("c-2", Some(OTHER)), ("c-3", None)] {
        service.answered(call, caller).await;
        service.site.clock.pass(300);
    }
    service
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_routes_take_calls_by_what_was_known_then() {
    let current = workspace(MAIN);
    let service = three_calls(&current).await;
    let same = replayed(&service, &current, &current).await.outcome;
    assert_eq!((same.calls, same.first_differs, same.not_rung, same.caller_not_known), (3, 0, 0, 0));
    let other = workspace(
        r#"
  - {id: customers, when: {segment: contact}, group: first, fallback: {number: "+74951112200"}}
  - {id: spam, when: {list: spam}, reject: {}}
  - {id: withheld, when: {caller: withheld}, branch: night}"#,
    );
    let outcome = replayed(&service, &current, &other).await.outcome;
    assert_eq!((outcome.calls, outcome.not_rung, outcome.without_route), (3, 2, 0));
    let first = |agent: &str| outcome.replayed.agents.get(agent).map_or(0, |total| total.named_first);
    assert_eq!((first("anna"), first("boris"), first("clara")), (1, 0, 0));
    assert_eq!((outcome.replayed.without_target, outcome.caller_not_known), (2, 0));
}

/// Nobody was asked about callers of a line that was refused: whether a route for known callers would have taken them is not known,
/// and said so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_asked_then_is_counted_as_not_known() {
    let current = workspace("\n  - {id: closed, reject: {}}");
    let service = three_calls(&current).await;
    let other = workspace(&format!("\n  - {{id: known, when: {{caller: known}}, reject: {{}}}}{MAIN}"));
    let outcome = replayed(&service, &current, &other).await.outcome;
    // The withheld caller is known to be withheld.
    assert_eq!((outcome.calls, outcome.caller_not_known, outcome.not_rung), (3, 2, 0));
    assert_eq!((outcome.recorded.without_target, outcome.replayed.without_target), (3, 0));
    assert!(UNKNOWABLE.iter().any(|line| line.starts_with("whether a CRM knew callers whom nobody looked up then")));
}
