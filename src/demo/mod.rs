//! `meritline demo`: a whole company at work in one process, for a newcomer's first look.
//!
//! The parts: [`company`] (who there is, from a published sales data set), [`workspace_text`] (the workspace file they make),
//! [`crm`] (serves the figures as a CRM), [`traffic`] (a PBX that calls the hooks), [`watch`] (reads shares and scores
//! back through the API) and [`screen`] (shows them). [`run`] drives the last three. Everything goes over HTTP; nothing
//! here reaches into the service, so what is shown is what any PBX and any browser would get.

pub mod call_script;
pub mod company;
pub mod crm;
pub mod hooks;
mod ledger;
mod loopback;
pub mod sales;
pub mod screen;
mod show;
mod speed;
pub mod teller;
pub mod traffic;
pub mod watch;
pub mod workspace_text;

pub use show::{DemoAddresses, DemoError, DemoOptions, DemoParts, DemoSummary, Face, run};
pub use speed::{NotASpeed, Speed};
