//! Hiding lost deals does not pay: a simulation with stated seeds. Sellers are equal; one keeps lost deals out of sight, each time in
//! another way.

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
    history_of(seed, 1.0)
}

/// The same with a hider who decides everything so many times as slowly.
fn history_of(seed: u64, slower: f64) -> Vec<Deal> {
    let mut draw = Draw(seed);
    let mut deals = Vec::new();
    for day in 0..270i64 {
        for seller in SELLERS {
            for lead in 0..3 {
                let opened = days_ago(270 - day) + SignedDuration::from_secs((draw.uniform() * 86_400.0) as i64);
                let days = if seller == "hider" { 10.0 * slower } else { 10.0 };
                let seconds = days * 86_400.0 * (0.6 * normal(&mut draw)).exp();
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

/// What the hider's value gains beside the others', as a part of it, on average over the seeds; `hide` says how the hider keeps a lost deal, `seen` how
/// a deal reaches the scores.
fn gain(hide: impl Fn(Deal) -> Deal, seen: impl Fn(Deal) -> Deal) -> f64 {
    gain_in(history, hide, seen)
}

fn gain_in(history: impl Fn(u64) -> Vec<Deal>, hide: impl Fn(Deal) -> Deal, seen: impl Fn(Deal) -> Deal) -> f64 {
    let settings = ScoreSettings { horizon_seconds: Some(90 * DAY), half_life_seconds: Some(30 * DAY), ..timeless() };
    let value = |deals: &[Deal]| {
        let table = scores(&SELLERS, settings.clone(), deals);
        let others: f64 = SELLERS.iter().skip(1).map(|seller| of(&table, seller).value).sum();
        of(&table, "hider").value * 5.0 / others
    };
    let hidden = |deal: Deal| {
        let hides = deal.user == Some("hider".into()) && deal.status == DealStatus::Lost;
        if hides { hide(deal) } else { deal }
    };
    let gains = (1..=SEEDS).map(|seed| {
        let history = history(seed);
        let honest: Vec<Deal> = history.iter().cloned().map(&seen).collect();
        let hidden: Vec<Deal> = history.into_iter().map(|deal| seen(hidden(deal))).collect();
        value(&hidden) / value(&honest) - 1.0
    });
    gains.sum::<f64>() / SEEDS as f64
}

/// Never closed.
fn left_open(deal: Deal) -> Deal {
    Deal { status: DealStatus::Open, closed_at: None, ..deal }
}

fn as_it_is(deal: Deal) -> Deal {
    deal
}

#[track_caller]
fn at_most_three_percent(gain: f64) {
    at_most(0.03, gain);
}

#[track_caller]
fn at_most(most: f64, gain: f64) {
    assert!(gain <= most, "{gain}");
}

#[test]
fn whoever_never_closes_lost_deals_gains_at_most_three_percent() {
    at_most_three_percent(gain(left_open, as_it_is));
}

/// A CRM that does not tell when an open deal came: then our first sight of it counts, a day later. Were it not for that, hiding would
/// pay: without lost deals everybody seems to close everything.
#[test]
fn clearing_the_opening_does_not_pay_either() {
    let cleared = |deal: Deal| if deal.status == DealStatus::Open { Deal { opened_at: None, ..deal } } else { deal };
    at_most_three_percent(gain(left_open, |deal| {
        let seen_at = deal.opened_at.map(|opened| opened + SignedDuration::from_hours(24));
        cleared(deal).merged_with(None, seen_at)
    }));
    let forgotten = gain(left_open, cleared);
    assert!(forgotten > 0.3, "the simulation shows no gain where there is one: {forgotten}");
}

/// A CRM that tells of no deal when it was opened, pulled once a day: what was seen open is known to be that old.
#[test]
fn leaving_deals_open_in_a_crm_without_openings_does_not_pay() {
    let pulled = |deal: Deal| {
        let seen_at = deal.opened_at.map(|opened| opened + SignedDuration::from_hours(24));
        let told = Deal { opened_at: None, ..deal };
        let was_open = told.closed_at.is_none_or(|closed| seen_at.is_some_and(|seen| seen < closed));
        let first = was_open.then(|| left_open(told.clone()).merged_with(None, seen_at));
        told.merged_with(first.as_ref(), Some(now()))
    };
    at_most_three_percent(gain(left_open, pulled));
}

/// A CRM of dates without times in which deals close on the day they come.
#[test]
fn leaving_deals_open_where_others_close_the_same_day_does_not_pay() {
    let same_day = |deal: Deal| {
        let day = deal.opened_at.map(|opened| opened - SignedDuration::from_secs(opened.as_second().rem_euclid(86_400)));
        Deal { opened_at: day, closed_at: deal.closed_at.and(day), ..deal }
    };
    at_most_three_percent(gain(left_open, same_day));
}

/// Dated before they were opened, and before anything counts.
#[test]
fn dating_the_close_back_does_not_pay() {
    let dated_back = |deal: Deal| {
        let closed_at = deal.opened_at.map(|opened| opened - SignedDuration::from_hours(24 * 400));
        Deal { closed_at, ..deal }
    };
    at_most_three_percent(gain(dated_back, as_it_is));
}

/// Half of the leads from an advertisement.
fn of_two_sources(deal: Deal) -> Deal {
    let number = deal.deal.as_str().bytes().map(u32::from).sum::<u32>();
    let source = if number.is_multiple_of(2) { "advertisement" } else { "recommended" };
    Deal { lead_source: deal.lead_source.or_else(|| Some(source.to_owned())), ..deal }
}

#[test]
fn clearing_the_date_of_the_close_does_not_pay() {
    at_most_three_percent(gain(|deal| Deal { closed_at: None, ..deal }, as_it_is));
}

#[test]
fn filing_lost_deals_under_another_source_does_not_pay() {
    let filed_under = |source: &'static str| move |deal: Deal| Deal { lead_source: Some(source.to_owned()), ..deal };
    at_most_three_percent(gain(filed_under("of my own"), of_two_sources));
    // None at all.
    let cleared = |deal: Deal| {
        let hides = deal.user == Some("hider".into()) && deal.status == DealStatus::Lost;
        if hides { deal } else { of_two_sources(deal) }
    };
    at_most_three_percent(gain(as_it_is, cleared));
}

/// Where others have the source, too, nothing tells the hider from somebody who works a poor one. What is sold elsewhere then seems easier
/// than it is, and is harder for all who sell there.
#[test]
fn filing_lost_deals_under_a_source_of_others_pays_little() {
    let filed_under = |source: &'static str| move |deal: Deal| Deal { lead_source: Some(source.to_owned()), ..deal };
    // One that somebody else has now and then.
    let rare = |deal: Deal| {
        let now_and_then = deal.user == Some("b".into()) && deal.deal.as_str().ends_with("0-1");
        if now_and_then { Deal { lead_source: Some("fair".to_owned()), ..deal } } else { of_two_sources(deal) }
    };
    at_most(0.06, gain(filed_under("fair"), rare));
    // One of the usual ones: they are equally good.
    at_most(0.06, gain(filed_under("advertisement"), of_two_sources));
}

/// Whoever dates an open deal to today each time the CRM is pulled. It was seen open before.
#[test]
fn dating_the_opening_of_open_deals_to_today_does_not_pay() {
    let dated_today = |deal: Deal| {
        let first = left_open(deal.clone()).merged_with(None, deal.opened_at);
        left_open(Deal { opened_at: Some(now()), ..deal }).merged_with(Some(&first), Some(now()))
    };
    at_most_three_percent(gain(dated_today, as_it_is));
}

/// Who begins so many days ago to leave lost deals open.
fn left_open_since(days: i64) -> impl Fn(Deal) -> Deal {
    move |deal| if deal.closed_at.is_some_and(|closed| closed >= days_ago(days)) { left_open(deal) } else { deal }
}

/// Nor from the first day: before the first hidden deals are overdue, which is after 20 days here, the hider has decided fewer deals than
/// others of the same age.
#[test]
fn beginning_to_hide_does_not_pay_at_any_time() {
    for days in [1, 3, 5, 10, 15, 20, 30, 45, 100] {
        let gain = gain(left_open_since(days), as_it_is);
        assert!(gain <= 0.03, "{days} days: {gain}");
    }
}

/// Contracts show that the hider decides faster, or slower, than others.
#[test]
fn beginning_to_hide_pays_neither_the_fast_nor_the_slow() {
    for slower in [0.5, 0.7, 1.5, 2.0] {
        for days in [5, 10, 15] {
            let gain = gain_in(|seed| history_of(seed, slower), left_open_since(days), as_it_is);
            assert!(gain <= 0.03, "{slower} times as slow, {days} days: {gain}");
        }
    }
}

/// Of who hides nothing. Slow deals count as lost from twice the usual time on, until they are won.
#[test]
fn deciding_faster_or_slower_than_others_is_no_fault() {
    for (slower, most) in [(0.5, 0.03), (0.7, 0.03), (1.5, 0.05), (2.0, 0.08)] {
        let value = |seed| {
            let settings = ScoreSettings { horizon_seconds: Some(90 * DAY), half_life_seconds: Some(30 * DAY), ..timeless() };
            let of_hider = |slower| of(&scores(&SELLERS, settings.clone(), &history_of(seed, slower)), "hider").value;
            of_hider(slower) / of_hider(1.0) - 1.0
        };
        let mean = (1..=SEEDS).map(value).sum::<f64>() / SEEDS as f64;
        assert!(mean.abs() <= most, "{slower}: {mean}");
    }
}
