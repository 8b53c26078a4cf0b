//! The sentences: what happened and why, in the words of the product.

use std::time::Duration;

use jiff::tz::TimeZone;
use meritline::core::chance::SplitMix64;
use meritline::demo::company::Company;
use meritline::demo::hooks::{AnsweredNumber, AnsweredTarget};
use meritline::demo::sales::Closed;
use meritline::demo::teller::Teller;
use meritline::demo::traffic::{Happening, What};
use meritline::demo::watch::{AgentView, View};

fn target(name: &str, extension: &str) -> AnsweredTarget {
    AnsweredTarget {
        agent: name.to_lowercase().replace(' ', "-"),
        name: name.to_owned(),
        stage: "free".to_owned(),
        share: 0.081,
        ring_seconds: 1.0,
        numbers: vec![AnsweredNumber { value: extension.to_owned() }],
    }
}

fn decided(reason: &str, customer: Option<&str>, degraded: &[&str]) -> What {
    What::Decided {
        reason: reason.to_owned(),
        customer: customer.map(str::to_owned),
        degraded: degraded.iter().map(|word| (*word).to_owned()).collect(),
        targets: 2,
        took: Duration::from_millis(1),
    }
}

/// The last sentence of one call's happenings, told at 14:02:11 in Moscow with Darcel Schlecht owed 1.4 calls.
fn told(caller: Option<&str>, happenings: Vec<What>) -> Option<String> {
    let mut teller = Teller::new(TimeZone::get("Europe/Moscow").unwrap());
    let owed = |calls| AgentView { owed: Some(calls), ..AgentView::default() };
    let view = View::from([("darcel-schlecht".to_owned(), owed(1.4)), ("boris-faz".to_owned(), owed(-0.6))]);
    let mut last = None;
    for what in happenings {
        let (at, caller) = ("2026-11-24T11:02:11Z".parse().unwrap(), caller.map(str::to_owned));
        last = teller.tell(&Happening { call: 1, at, caller, what }, &view);
    }
    last
}

#[test]
fn an_answered_call_says_whose_turn_it_was_and_why() {
    let darcel = target("Darcel Schlecht", "110");
    let first = vec![
        decided("performance", None, &[]),
        What::Rang { target: darcel.clone(), before: 0 },
        What::Answered { target: darcel.clone(), before: 0, after_seconds: 6.2 },
    ];
    assert_eq!(
        told(Some("+79161234507"), first).unwrap(),
        "14:02:11  +7 916 •••-••-07 → Darcel Schlecht (x110): share 8.1 %, 1.4 calls behind; answered after 6 s"
    );
    let boris = AnsweredTarget { stage: "busy".to_owned(), ..target("Boris Faz", "122") };
    let second = vec![
        decided("performance", None, &["caller_lookup"]),
        What::Rang { target: boris.clone(), before: 1 },
        What::Answered { target: boris, before: 1, after_seconds: 3.0 },
    ];
    assert_eq!(
        told(None, second).unwrap(),
        "14:02:11  number withheld   → Boris Faz (x122): share 8.1 %, 0.6 calls ahead, next in line, nobody else was free \
         (the CRM did not say in time who calls); answered after 3 s"
    );
    let own = vec![
        decided("personal_manager", Some("Isdom"), &[]),
        What::Rang { target: darcel.clone(), before: 0 },
        What::Answered { target: darcel, before: 0, after_seconds: 4.0 },
    ];
    assert!(told(None, own).unwrap().ends_with("→ Darcel Schlecht (x110): the manager of Isdom; answered after 4 s"));
}

#[test]
fn what_went_wrong_says_what_becomes_of_the_caller() {
    let (darcel, boris) = (target("Darcel Schlecht", "110"), target("Boris Faz", "122"));
    let end = |what| told(Some("+79161234507"), vec![what]).unwrap().split_off("14:02:11  +7 916 •••-••-07 ".len());
    let missed = What::Missed { target: darcel.clone(), next: Some(boris) };
    assert_eq!(end(missed), "→ Darcel Schlecht (x110): not picked up in 20 s; next Boris Faz");
    let last = What::Missed { target: darcel.clone(), next: None };
    assert_eq!(end(last), "→ Darcel Schlecht (x110): not picked up in 20 s; nobody is left to ring");
    let hung_up = What::HungUp { target: darcel, waited_seconds: 48.0 };
    assert_eq!(end(hung_up), "hung up after 48 s, while Darcel Schlecht was rung");
    let fallback = What::Fallback { targets: 5, number: Some("+70001001000".to_owned()) };
    assert_eq!(end(fallback), "all 5 to ring were busy or did not pick up; backup number +7 000 100-10-00");
    assert_eq!(end(What::Fallback { targets: 0, number: None }), "nobody can be rung; the answer names no backup number");
}

#[test]
fn a_contract_is_told_a_lost_deal_is_not() {
    let (company, teller) = (Company::load().unwrap(), Teller::new(TimeZone::UTC));
    let at = "2026-11-24T11:02:11Z".parse().unwrap();
    let agent = company.find("darcel-schlecht").unwrap();
    let told = |amount: Option<u32>| teller.tell_sale(&Closed { agent, amount: amount.map(Into::into) }, &company, at);
    let won = told(Some(3304)).unwrap();
    assert_eq!(won, "11:02:11  Darcel Schlecht closed a contract of 3 304 USD: the CRM has it, the next pull counts it");
    assert_eq!(told(None), None);
}

/// The first numbers for this seed as published with the generator's reference implementation.
#[test]
fn the_generator_is_the_published_one() {
    let mut chance = SplitMix64::new(1_234_567);
    let drawn: Vec<u64> = (0..5).map(|_| chance.next_u64()).collect();
    let published = [
        6_457_827_717_110_365_317,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
        4_593_380_528_125_082_431,
        16_408_922_859_458_223_821,
    ];
    assert_eq!(drawn, published);
}
