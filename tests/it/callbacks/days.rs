//! Days pass: what a restart says of a task.

use meritline::core::callback::CallbackRules;
use meritline::http::access::Role;

use super::{CALLER, LANDLINE};
use crate::support::sample_workspace::SampleWorkspace;
use crate::support::service::TestService;

const HOUR: i64 = 3600;

/// The team under a period of a day, so that yesterday's calls weigh.
fn long_team() -> SampleWorkspace {
    SampleWorkspace::new("acme")
        .agents(&["anna", "boris", "clara"])
        .policy("long", |policy| (policy.callback, policy.period_seconds) = (CallbackRules::default(), 24 * 3600))
        .group("sales", "long", &[("anna", 1.0), ("boris", 1.0), ("clara", 1.0)])
        .route("main", "sales")
}

impl TestService {
    async fn owes(&self) -> Vec<f64> {
        let lead = self.token("acme", Role::SalesLead, None).await;
        let shares = self.client.read("groups/sales/shares", &lead).expect(200).await.json();
        shares["members"].as_array().unwrap().iter().map(|member| member["owed"].as_f64().unwrap()).collect()
    }
}

/// Given out an hour after it was missed; the caller is talked to so many hours after that. Within a day it was needless, later it was
/// not: a restart says what the running service said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_charges_a_task_as_the_running_service_did() {
    for hours in [2, 23, 29] {
        let workspace = long_team().build();
        let service = TestService::of(workspace).await;
        service.missed("c-1", CALLER).await;
        service.site.clock.pass(HOUR);
        assert_eq!(service.share_out().await, 1);
        let given_out = service.owes().await;
        service.site.clock.pass(hours * HOUR);
        // Something happens meanwhile, so that what is old is let go.
        service.talked("c-2", LANDLINE, 60).await;
        let before = service.owes().await;
        service.talked("c-3", CALLER, 60).await;
        let live = service.owes().await;
        assert_ne!(given_out, before);
        let service = service.restart().await;
        let restarted = service.owes().await;
        for (live, restarted) in live.iter().zip(&restarted) {
            assert!((live - restarted).abs() < 1e-9, "{hours} h: {live} live, {restarted} after a restart");
        }
    }
}
