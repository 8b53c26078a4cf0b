//! A small CRM that serves the sample company's opportunities over HTTP in Bitrix24's documented REST form, so that the
//! demo pulls its scores through the same connector, requests and paging as any customer.
//!
//! Only what the connector and a curious visitor need of that API is here, and what is here answers as documented
//! (apidocs.bitrix24.com: `crm.item.list`, `user.get`, `telephony.externalCall.searchCrmEntities`, system errors),
//! errors and the request limit included. Nothing is stored: the data starts anew with every demo.

mod answer;
mod book;
mod query;
mod server;

pub use book::CrmTotals;
pub use server::{BucketLimit, Crm, CrmSettings, serve};
