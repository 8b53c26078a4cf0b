//! Hiding lost deals does not pay: a simulation with stated seeds. Sellers are equal; one never closes a lost deal in the CRM.

use super::*;
use crate::support::floor::Draw;

const SELLERS: [&str; 6] = ["hider", "b", "c", "d", "e", "f"];
const SEEDS: u64 = 12;

/// A standard normal (Box and Muller).
fn normal(draw: &mut Draw) -> f64 {
    (-2.0 * (1.0 - draw.uniform()).ln()).sqrt() * (std::f64::consts::TAU * draw.uniform()).cos()
}

/// 270 days of three leads a day for each seller; a quarter become contracts; a deal takes 10 days in the middle, log-normal with
/// sigma 0.6.
fn history(seed: u64) -> Vec<Deal> {
    let mut draw = Draw(seed);
    let mut deals = Vec::new();
    for day in 0..270i64 {
        for seller in SELLERS {
            for lead in 0..3 {
                let opened = days_ago(270 - day) + SignedDuration::from_secs((draw.uniform() * 86_400.0) as i64);
                let seconds = 10.0 * 86_400.0 * (0.6 * normal(&mut draw)).exp();
                let status = if draw.uniform() < 0.25 { DealStatus::Won } else { DealStatus::Lost };
                let closed = opened + SignedDuration::from_secs(seconds as i64);
                let deal =
                    deal(&format!("{seller}-{day}-{lead}"), seller, if closed > now() { DealStatus::Open } else { status });
                let closed_at = (closed <= now()).then_some(closed);
                let amount = (deal.status == DealStatus::Won).then(|| money("100"));
                deals.push(Deal { opened_at: Some(opened), closed_at, amount, ..deal });
            }
        }
    }
    deals
}

/// What the hider's value gains, as a part of it, on average over the seeds; `seen` says how a deal reaches the scores.
fn gain(seen: impl Fn(Deal) -> Deal) -> f64 {
    let settings = ScoreSettings { horizon_seconds: Some(90 * DAY), half_life_seconds: Some(30 * DAY), ..timeless() };
    let value = |deals: &[Deal]| of(&scores(&SELLERS, settings.clone(), deals), "hider").value;
    let hide = |deal: Deal| {
        let hidden = deal.user == Some("hider".into()) && deal.status == DealStatus::Lost;
        if hidden { Deal { status: DealStatus::Open, closed_at: None, ..deal } } else { deal }
    };
    let gains = (1..=SEEDS).map(|seed| {
        let honest: Vec<Deal> = history(seed);
        let hidden: Vec<Deal> = honest.iter().cloned().map(|deal| seen(hide(deal))).collect();
        let honest: Vec<Deal> = honest.into_iter().map(&seen).collect();
        value(&hidden) / value(&honest) - 1.0
    });
    gains.sum::<f64>() / SEEDS as f64
}

#[test]
fn whoever_never_closes_lost_deals_gains_at_most_three_percent() {
    let gain = gain(|deal| deal);
    assert!(gain <= 0.03, "{gain}");
}

/// A CRM that does not tell when an open deal came: then our first sight of it counts, a day later. Were it not for that, hiding would
/// pay: without lost deals everybody seems to close everything.
#[test]
fn clearing_the_opening_does_not_pay_either() {
    let cleared = |deal: Deal| if deal.status == DealStatus::Open { Deal { opened_at: None, ..deal } } else { deal };
    let remembered = gain(|deal| {
        let seen_at = deal.opened_at.map(|opened| opened + SignedDuration::from_hours(24));
        cleared(deal).merged_with(None, seen_at)
    });
    assert!(remembered <= 0.03, "{remembered}");
    let forgotten = gain(cleared);
    assert!(forgotten > 0.3, "the simulation shows no gain where there is one: {forgotten}");
}
