//! The deals of the small CRM: the sample's opportunities moved to the present, and what the demo's own calls bring.
//!
//! No HTTP here. A date of the sample is the start of that day in the portal's zone.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::demo::company::{Company, DealStage, Opportunity};

/// A deal as the CRM keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CrmDeal {
    /// Ascending by row; new deals follow.
    pub(super) id: u64,
    /// What is sold, and to whom.
    pub(super) title: String,
    /// The responsible user.
    pub(super) assigned_by: u32,
    /// The amount; 0 while unknown.
    pub(super) opportunity: Decimal,
    /// How far it is.
    pub(super) stage: DealStage,
    /// When it was made.
    pub(super) created: Timestamp,
    /// When its stage last changed.
    pub(super) moved: Timestamp,
    /// When anything of it last changed.
    pub(super) updated: Timestamp,
    /// The day it was closed, or is planned to be; none while nobody has planned it.
    pub(super) close_day: Option<Timestamp>,
    /// The sample's id; empty for what the demo's calls brought.
    pub(super) origin: String,
    /// Where the customer came from: `CALL` for what the demo's calls brought, else unknown.
    pub(super) source: &'static str,
}

impl CrmDeal {
    /// The stage of the default pipeline.
    pub(super) fn stage_id(&self) -> &'static str {
        match self.stage {
            DealStage::Prospecting => "NEW",
            DealStage::Engaging => "EXECUTING",
            DealStage::Won => "WON",
            DealStage::Lost => "LOSE",
        }
    }

    /// What the stage means: `P` in progress, `S` won, `F` lost.
    pub(super) fn stage_semantic_id(&self) -> &'static str {
        match self.stage {
            DealStage::Prospecting | DealStage::Engaging => "P",
            DealStage::Won => "S",
            DealStage::Lost => "F",
        }
    }
}

/// What the CRM holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CrmTotals {
    /// All deals.
    pub deals: usize,
    /// Won ones.
    pub won: usize,
    /// Lost ones.
    pub lost: usize,
    /// Amounts of the won ones.
    pub revenue: Decimal,
}

/// All deals, by id.
#[derive(Debug)]
pub(super) struct DealBook {
    deals: Vec<CrmDeal>,
}

impl DealBook {
    /// The sample with all dates moved by the same number of days, so that the last close lies at `today`.
    pub(super) fn of(company: &Company, today: Date, zone: &TimeZone) -> Self {
        let last = company.last_close();
        let shift = last.map_or(0, |last| (today - last).get_days());
        let start_of = |day: Date| {
            let moved = day.saturating_add(jiff::Span::new().days(shift));
            moved.to_zoned_datetime(zone.clone()).map_or(Timestamp::UNIX_EPOCH, |start| start.timestamp())
        };
        let deals = company.opportunities.iter().zip(1..).map(|(row, id)| {
            let user = company.agents.get(row.agent).map_or(0, |agent| agent.crm_user);
            deal_of(row, id, user, &|day| start_of(day.or(last).unwrap_or(today)))
        });
        Self { deals: deals.collect() }
    }

    pub(super) fn deals(&self) -> &[CrmDeal] {
        &self.deals
    }

    pub(super) fn add(&mut self, assigned_by: u32, title: &str, amount: Decimal, at: Timestamp) -> u64 {
        let id = self.deals.last().map_or(1, |last| last.id + 1);
        self.deals.push(CrmDeal {
            id,
            title: title.to_owned(),
            assigned_by,
            opportunity: amount,
            stage: DealStage::Engaging,
            created: at,
            moved: at,
            updated: at,
            close_day: None,
            origin: String::new(),
            source: "CALL",
        });
        id
    }

    pub(super) fn close(&mut self, id: u64, stage: DealStage, at: Timestamp) -> bool {
        let place = self.deals.binary_search_by_key(&id, |deal| deal.id).ok();
        let Some(deal) = place.and_then(|place| self.deals.get_mut(place)) else { return false };
        deal.stage = stage;
        deal.moved = at;
        deal.updated = at;
        deal.close_day = Some(at);
        true
    }

    pub(super) fn totals(&self) -> CrmTotals {
        let mut totals = CrmTotals { deals: self.deals.len(), ..CrmTotals::default() };
        for deal in &self.deals {
            match deal.stage {
                DealStage::Won => {
                    totals.won += 1;
                    totals.revenue += deal.opportunity;
                }
                DealStage::Lost => totals.lost += 1,
                DealStage::Prospecting | DealStage::Engaging => {}
            }
        }
        totals
    }
}

/// A prospect of the sample has no date at all: it is taken as met on the sample's last day, so that nobody is said to
/// have left it lying.
fn deal_of(row: &Opportunity, id: u64, user: u32, start_of: &dyn Fn(Option<Date>) -> Timestamp) -> CrmDeal {
    let created = start_of(row.engaged);
    let moved = row.closed.map_or(created, |closed| start_of(Some(closed)));
    CrmDeal {
        id,
        title: match &row.account {
            Some(account) => format!("{} for {account}", row.product),
            None => row.product.clone(),
        },
        assigned_by: user,
        opportunity: row.amount.unwrap_or_default(),
        stage: row.stage,
        created,
        moved,
        updated: moved,
        close_day: row.closed.map(|closed| start_of(Some(closed))),
        origin: row.id.clone(),
        source: "",
    }
}
