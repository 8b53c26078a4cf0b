//! Which contract came of which call.
//!
//! A call and a deal know of each other only by the customer's phone: a contract counts for the first call from one of its contact
//! phones that lies at most so many days before it, and once. Withheld callers can never be matched. It must not know of arms or
//! policies: that is `uplift`.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::core::deal::{Deal, DealStatus};
use crate::core::ids::ConnectionId;
use crate::core::money::Currency;
use crate::core::policy::DealFilter;
use crate::core::scoring::deal_ending::{self, Outcome};
use crate::core::scoring::deal_records::{self, Record};
use crate::core::scoring::formulas::median_of;
use crate::core::scoring::score_table::DealNotes;
use crate::core::working_time::duty_days;

/// A contract, as far as its call is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// When it was closed.
    pub closed_at: Timestamp,
    /// The customer's phones, in E.164 where they could be read.
    pub phones: Vec<String>,
    /// What is left of its amount after returns; none where the CRM has none in the workspace's currency.
    pub amount: Option<Decimal>,
}

/// The contracts of some CRMs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contracts {
    /// Those with a day, by connection and deal id.
    pub items: Vec<Contract>,
    /// How many have none, and so cannot be matched.
    pub undated: u64,
    /// Median time from opening to closing, in seconds; none where no contract has both, or all days are without a time.
    pub usual_seconds_to_close: Option<f64>,
}

/// Where contracts are looked for.
#[derive(Debug, Clone, Copy)]
pub struct ContractSource<'a> {
    /// CRM connections; where one contract is in several, the first counts.
    pub connections: &'a [ConnectionId],
    /// Which deals count.
    pub filter: &'a DealFilter,
    /// The workspace's currency.
    pub currency: Currency,
}

impl Contracts {
    /// Reads the contracts among deals, by the same rules as scores: one record per deal and per link key, a full return is no
    /// contract.
    pub fn read<'d>(source: &ContractSource<'_>, deals: impl IntoIterator<Item = (&'d ConnectionId, &'d Deal)>) -> Self {
        let mut read = Self::default();
        let mut seconds_to_close = Vec::new();
        let counts = |record: &Record<'_, '_>| deal_records::is_wanted_result(source.filter, record.deal);
        for record in deal_records::canonical(source.connections, deals, counts, &mut DealNotes::default()) {
            let deal = record.deal;
            if deal.status != DealStatus::Won || !deal_records::passes(source.filter, deal) {
                continue;
            }
            let Outcome::Contract(amount) = deal_ending::outcome_of(deal, source.currency) else { continue };
            let Some(closed_at) = deal.closed_at else {
                read.undated += 1;
                continue;
            };
            if let Some(opened_at) = deal.opened_at {
                seconds_to_close.push(duty_days::seconds_between(opened_at, closed_at));
            }
            read.items.push(Contract { closed_at, phones: deal.contact_phones.clone(), amount });
        }
        // A median of 0 comes from days without a time and says nothing about how long a deal takes.
        read.usual_seconds_to_close = median_of(&mut seconds_to_close).filter(|median| *median > 0.0);
        read
    }
}

/// A call that a contract may have come of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead<'a> {
    /// When it was offered.
    pub at: Timestamp,
    /// The caller in E.164; none where withheld.
    pub caller: Option<&'a str>,
}

/// For each contract the position of its call among `leads`; none where there is none.
pub fn attribute(leads: &[Lead<'_>], contracts: &[Contract], days: u16) -> Vec<Option<usize>> {
    let mut by_phone: HashMap<&str, Vec<(Timestamp, usize)>> = HashMap::new();
    for (position, lead) in leads.iter().enumerate() {
        if let Some(caller) = lead.caller {
            by_phone.entry(caller).or_default().push((lead.at, position));
        }
    }
    by_phone.values_mut().for_each(|calls| calls.sort_unstable());
    let reach = SignedDuration::from_hours(24 * i64::from(days));
    let call_of = |contract: &Contract| {
        let earliest = contract.closed_at.checked_sub(reach).unwrap_or(Timestamp::MIN);
        let latest = latest_moment(contract.closed_at);
        let calls = contract.phones.iter().filter_map(|phone| by_phone.get(phone.as_str()));
        let first = calls.filter_map(|calls| {
            let from = calls.partition_point(|(at, _)| *at < earliest);
            calls.get(from).filter(|(at, _)| *at <= latest)
        });
        first.min().map(|(_, position)| *position)
    };
    contracts.iter().map(call_of).collect()
}

/// A day without a time is written as its start in the CRM's own zone: the contract may have been closed until its end. All zones are
/// whole quarters of an hour apart, so an instant between them is no start of a day anywhere.
fn latest_moment(closed_at: Timestamp) -> Timestamp {
    const QUARTER_SECONDS: i64 = 15 * 60;
    let may_be_a_day = closed_at.subsec_nanosecond() == 0 && closed_at.as_second().rem_euclid(QUARTER_SECONDS) == 0;
    if !may_be_a_day {
        return closed_at;
    }
    closed_at.checked_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX)
}
