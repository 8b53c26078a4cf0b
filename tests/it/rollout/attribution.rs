//! Which contract came of which call.

use jiff::Timestamp;
use meritline::core::deal::{Deal, DealStatus};
use meritline::core::ids::ConnectionId;
use meritline::core::policy::DealFilter;
use meritline::core::proving::attribution::{Contract, ContractSource, Contracts, Lead, attribute};
use rust_decimal::Decimal;

const ANNA: &str = "+79160000001";
const BORIS: &str = "+79160000002";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn lead(text: &str, caller: &'static str) -> Lead<'static> {
    Lead { at: at(text), caller: Some(caller) }
}

fn contract(closed_at: &str, phones: &[&str]) -> Contract {
    let phones = phones.iter().map(|phone| (*phone).to_owned()).collect();
    Contract { closed_at: at(closed_at), phones, amount: None }
}

/// Positions of the calls of some contracts, within 30 days.
fn attributed(leads: &[Lead<'_>], contracts: &[Contract]) -> Vec<Option<usize>> {
    attribute(leads, contracts, 30)
}

#[test]
fn a_contract_belongs_to_a_call_of_its_customer_within_the_days() {
    let leads = [lead("2026-11-02T10:00:00Z", ANNA), Lead { at: at("2026-11-03T10:00:00Z"), caller: None }];
    let cases = [
        ("2026-11-20T12:30:00Z", ANNA, Some(0)),
        ("2026-12-02T10:00:00Z", ANNA, Some(0)),
        ("2026-12-02T10:00:01Z", ANNA, None),
        ("2026-11-02T09:59:59Z", ANNA, None),
        ("2026-11-20T12:30:00Z", BORIS, None),
    ];
    for (closed_at, phone, expected) in cases {
        assert_eq!(attributed(&leads, &[contract(closed_at, &[phone])]), [expected], "{closed_at} {phone}");
    }
    assert_eq!(attributed(&leads, &[contract("2026-11-20T12:30:00Z", &[])]), [None], "a contract without phones");
}

/// Midnight in Moscow is 21:00 UTC of the day before: a day without a time lasts until its end.
#[test]
fn a_contract_closed_on_the_day_of_the_call_counts_though_its_day_began_earlier() {
    let leads = [lead("2026-11-02T10:00:00Z", ANNA)];
    assert_eq!(attributed(&leads, &[contract("2026-11-01T21:00:00Z", &[ANNA])]), [Some(0)]);
    assert_eq!(attributed(&leads, &[contract("2026-10-31T21:00:00Z", &[ANNA])]), [None], "the day before");
}

/// 20 November begins in Vladivostok (UTC+10) at 14:00 UTC of the 19th, in New York (UTC-5) at 05:00 UTC, in Nepal (UTC+5:45) at
/// 18:15 UTC of the 19th, whatever zone the company lives in.
#[test]
fn the_day_of_a_contract_is_that_of_its_crm() {
    for (day, in_it, after_it) in [
        ("2026-11-19T14:00:00Z", "2026-11-20T13:59:59Z", "2026-11-20T14:00:01Z"),
        ("2026-11-20T05:00:00Z", "2026-11-21T04:59:59Z", "2026-11-21T05:00:01Z"),
        ("2026-11-19T18:15:00Z", "2026-11-20T18:14:59Z", "2026-11-20T18:15:01Z"),
    ] {
        assert_eq!(attributed(&[lead(in_it, ANNA)], &[contract(day, &[ANNA])]), [Some(0)], "{day}");
        assert_eq!(attributed(&[lead(after_it, ANNA)], &[contract(day, &[ANNA])]), [None], "{day}");
    }
}

#[test]
fn of_several_calls_the_first_within_the_days_has_it_and_once() {
    let leads = [
        lead("2026-11-09T10:00:00Z", BORIS),
        lead("2026-09-01T10:00:00Z", ANNA),
        lead("2026-11-06T10:00:00Z", ANNA),
        lead("2026-11-05T10:00:00Z", ANNA),
    ];
    let contracts = [contract("2026-11-20T12:30:00Z", &[BORIS, ANNA]), contract("2026-11-21T12:30:00Z", &[BORIS])];
    assert_eq!(attributed(&leads, &contracts), [Some(3), Some(0)]);
}

fn deal(id: &str, status: DealStatus) -> Deal {
    Deal {
        deal: id.into(),
        user: None,
        status,
        amount: Some(Decimal::from(1000)),
        returned_amount: None,
        currency: None,
        opened_at: Some(at("2026-11-01T10:00:00Z")),
        closed_at: Some(at("2026-11-05T10:00:00Z")),
        pipeline: None,
        lead_source: None,
        new_customer: None,
        contact_phones: vec![ANNA.to_owned()],
        link_key: None,
        metrics: Default::default(),
        unreadable_metrics: Default::default(),
        memory: Default::default(),
    }
}

/// The rules of scores: won, not wholly returned, each once; another currency is a contract without an amount.
#[test]
fn contracts_are_read_by_the_rules_of_scores() {
    let (bitrix, sheet) = (ConnectionId::from("bitrix"), ConnectionId::from("sheet"));
    let won = |id: &str| deal(id, DealStatus::Won);
    let rows = [
        (&bitrix, won("kept")),
        (&bitrix, deal("lost", DealStatus::Lost)),
        (&bitrix, deal("open", DealStatus::Open)),
        (&bitrix, Deal { returned_amount: Some(Decimal::from(1000)), ..won("returned") }),
        (&bitrix, Deal { returned_amount: Some(Decimal::from(400)), ..won("partly") }),
        (&bitrix, Deal { currency: Some("USD".parse().unwrap()), ..won("foreign") }),
        (&bitrix, Deal { closed_at: None, ..won("undated") }),
        (&bitrix, Deal { link_key: Some("K-1".to_owned()), ..won("linked") }),
        (&sheet, Deal { link_key: Some("K-1".to_owned()), ..won("same") }),
    ];
    let source = ContractSource {
        connections: &[bitrix.clone(), sheet.clone()],
        filter: &DealFilter::default(),
        currency: "RUB".parse().unwrap(),
    };
    let contracts = Contracts::read(&source, rows.iter().map(|(connection, deal)| (*connection, deal)));
    let amounts: Vec<Option<Decimal>> = contracts.items.iter().map(|contract| contract.amount).collect();
    assert_eq!(amounts.len(), 4, "foreign, kept, linked, partly");
    assert_eq!(amounts.iter().filter(|amount| amount.is_none()).count(), 1);
    assert_eq!(amounts.iter().flatten().sum::<Decimal>(), Decimal::from(1000 + 1000 + 600));
    assert_eq!(contracts.undated, 1);
    assert_eq!(contracts.usual_seconds_to_close, Some(4.0 * 86_400.0));
}
