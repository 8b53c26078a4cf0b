//! Routes that ask who calls and when, and outcomes besides ringing.

mod conditions;
mod explained;
mod files;
mod never_dead;
mod outcomes;
mod promised;
mod what_if;

use std::sync::Arc;

use meritline::core::workspace::Workspace;
use meritline::service::settings_check::Integrations;
use meritline::workspace_file;
use serde_json::{Value, json};

use crate::support::service::{Site, TestService};

const CALLED: &str = "+74951112233";
const CALLER: &str = "+79161234567";
const OTHER: &str = "+79162223344";

/// A company with two groups of one and one of two, and one of each PBX; `routes` is what stands under `routes:`.
fn file(routes: &str) -> String {
    format!(
        r#"workspace: acme
time_zone: Europe/Moscow
hours:
  - {{id: office, weekly: {{mon-fri: ["09:00-18:00"]}}, breaks: ["13:00-14:00"]}}
agents:
  - {{id: anna, numbers: [{{sip: "101"}}]}}
  - {{id: boris, numbers: [{{sip: "102"}}]}}
  - {{id: clara, numbers: [{{sip: "103"}}]}}
groups:
  - {{id: first, members: [anna], policy: even}}
  - {{id: second, members: [boris], policy: even}}
  - {{id: sales, members: [boris, clara], policy: even}}
policies:
  - {{id: even, mode: percent, callback: {{tasks: false}}}}
lists:
  - {{id: vip, numbers: ["8 (916) 123-45-67", "+7495*"]}}
  - {{id: spam, numbers: ["+79162223344"]}}
routes:
{routes}
connections:
  - {{id: pbx, integration: pbx/native, settings: {{token: "env:PBX_TOKEN"}}}}
  - {{id: uis, integration: pbx/uis, settings: {{token: "env:PBX_TOKEN", answer: returned_code, fallback_code: nobody,
      codes: {{sales: all, night: night_menu}}, reject_code: refuse, callback_code: we_call}}}}
  - {{id: exolve, integration: pbx/exolve, settings: {{token: "env:PBX_TOKEN"}}}}
  - {{id: crm, integration: crm/bitrix24, settings: {{portal: acme.bitrix24.ru, user: 1, secret: "env:CRM_SECRET"}}}}
"#
    )
}

fn workspace(routes: &str) -> Arc<Workspace> {
    let checked = workspace_file::read(&file(routes), "acme.yaml", &Integrations);
    Arc::new(checked.unwrap_or_else(|problems| panic!("{problems:?}")).workspace)
}

async fn service(routes: &str) -> TestService {
    Site::new(vec![workspace(routes)]).start().await
}

fn question(call: &str, caller: Option<&str>) -> Value {
    json!({"call_id": call, "caller": caller, "called": CALLED})
}

impl TestService {
    /// What the native PBX is answered.
    async fn answered(&self, call: &str, caller: Option<&str>) -> Value {
        self.client.ask(&question(call, caller)).expect(200).await.json()
    }

    /// Who is rung first for a caller; nobody where the answer names none.
    async fn rung(&self, call: &str, caller: Option<&str>) -> Value {
        self.answered(call, caller).await["targets"][0]["agent"].take()
    }
}
