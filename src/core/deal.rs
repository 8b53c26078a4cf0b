//! The canonical CRM record: what every connector maps its rows to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ids::{CrmUserId, DealId};
use super::money::Currency;

/// How a deal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DealStatus {
    /// A contract was closed.
    Won,
    /// The deal ended without a contract.
    Lost,
    /// Not decided yet.
    Open,
}

/// One deal as the CRM states it now. The same `deal` of the same connection replaces what was known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deal {
    /// The deal's id in its CRM.
    pub deal: DealId,
    /// The responsible user in that CRM; none when the deal has no owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<CrmUserId>,
    /// Won, lost or open.
    pub status: DealStatus,
    /// The contract's amount; none when the CRM has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// What was returned or credited of the amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_amount: Option<Decimal>,
    /// The currency of both amounts; none means the workspace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// When the deal came into being.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// When it was won or lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// The pipeline it runs in, as the CRM names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// Where the lead came from, as the CRM names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_source: Option<String>,
    /// Whether the customer is new, where the CRM knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_customer: Option<bool>,
    /// Phone numbers of the deal's contacts, E.164 where they could be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contact_phones: Vec<String>,
    /// The same contract in two systems has the same key and counts once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_key: Option<String>,
    /// Further figures the CRM supplies, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, Decimal>,
}
