//! The canonical CRM record: what every connector maps its rows to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Those of them that are no number in the CRM; nobody supplies this list, the mapping writes it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unreadable_metrics: BTreeSet<String>,
    /// What earlier pulls showed of it; no CRM supplies this, the store carries it on.
    #[serde(default, skip_serializing_if = "DealMemory::is_empty")]
    pub memory: DealMemory,
}

/// What earlier pulls showed of a deal and the newest one does not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DealMemory {
    /// Who won it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_win: Option<FirstWin>,
    /// When it was first seen open: it was opened by then, whatever the CRM says later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen_open_at: Option<Timestamp>,
    /// Who owned it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen_owner: Option<CrmUserId>,
}

impl DealMemory {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The first time a deal was won.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FirstWin {
    /// Its owner then.
    pub user: CrmUserId,
    /// The day of the contract; none when the CRM does not tell it.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// A deal won again so many days after its first contract, having been taken back meanwhile, is another sale.
const SAME_SALE_DAYS: i64 = 30;

impl Deal {
    /// The deal as it is to be kept, given what was kept of it before and when it was seen.
    ///
    /// A deal handed over after its contract stays with its owner at the first win, whoever owns it now. That holds through a
    /// reopening, too: won again, or lost for good, it is still the first owner's, unless more than 30 days lie between the
    /// first contract and the new close; then it was sold anew, and by its owner of then. Repeating a pull changes nothing.
    #[must_use]
    pub fn merged_with(mut self, previous: Option<&Deal>, seen_at: Option<Timestamp>) -> Self {
        let known = previous.and_then(Deal::first_win);
        let was_won = previous.is_some_and(|previous| previous.status == DealStatus::Won);
        let first_win = match self.status {
            DealStatus::Open => known,
            DealStatus::Won if was_won => known,
            DealStatus::Won | DealStatus::Lost => known.filter(|win| !self.is_another_sale(win)),
        };
        let (first_seen_open_at, first_seen_owner) = match previous.map(|previous| &previous.memory) {
            Some(known) if known.first_seen_open_at.is_some() => (known.first_seen_open_at, known.first_seen_owner.clone()),
            Some(_) | None => match seen_at.filter(|_| self.status == DealStatus::Open) {
                Some(seen_at) => (Some(seen_at), self.user.clone()),
                None => (None, None),
            },
        };
        self.memory = DealMemory { first_win, first_seen_open_at, first_seen_owner };
        self.memory.first_win = self.first_win();
        self
    }

    fn first_win(&self) -> Option<FirstWin> {
        let wins = || Some(FirstWin { user: self.user.clone()?, at: self.closed_at });
        self.memory.first_win.clone().or_else(|| if self.status == DealStatus::Won { wins() } else { None })
    }

    fn is_another_sale(&self, first: &FirstWin) -> bool {
        let days = |(first, now): (Timestamp, Timestamp)| now.duration_since(first).as_hours() / 24;
        first.at.zip(self.closed_at).is_some_and(|pair| days(pair) > SAME_SALE_DAYS)
    }

    /// Whose result it is: of a deal that was won once its owner then, else its owner now.
    pub fn owner(&self) -> Option<&CrmUserId> {
        match (self.status, &self.memory.first_win) {
            (DealStatus::Won | DealStatus::Lost, Some(win)) => Some(&win.user),
            (DealStatus::Won | DealStatus::Lost | DealStatus::Open, _) => self.user.as_ref(),
        }
    }

    /// The deal as it stood at an instant, as far as its dates tell; none where it was not there yet. Owner, amount and figures are
    /// those of now. One without dates stands as it does now.
    pub fn as_of(&self, at: Timestamp) -> Option<Cow<'_, Self>> {
        match (self.closed_at, self.known_since()) {
            (Some(closed_at), _) if closed_at <= at => Some(Cow::Borrowed(self)),
            (_, Some(known_since)) if at < known_since => None,
            (None, _) => Some(Cow::Borrowed(self)),
            (Some(_), None) => None,
            (Some(_), Some(_)) => {
                let mut open = Self { status: DealStatus::Open, closed_at: None, returned_amount: None, ..self.clone() };
                open.memory.first_win = open.memory.first_win.filter(|win| win.at.is_some_and(|won_at| won_at <= at));
                Some(Cow::Owned(open))
            }
        }
    }

    /// Where the lead came from; none for a text without letters.
    pub fn source(&self) -> Option<&str> {
        self.lead_source.as_deref().map(str::trim).filter(|source| !source.is_empty())
    }

    /// When it came into being, as far as anything tells. Whoever dates the opening of an old deal to today does not make it a young one.
    pub fn known_since(&self) -> Option<Timestamp> {
        self.opened_at.into_iter().chain(self.memory.first_seen_open_at).min()
    }
}
