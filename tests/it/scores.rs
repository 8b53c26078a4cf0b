//! Scores and target shares: what deals say about people, and what share of the calls follows from it.
//!
//! Expected figures are hand calculations, or come from another implementation of the formulas that is named where they are used.

mod by_hand;
mod conversations;
mod deal_history;
mod duty;
mod from_calls;
mod groups;
mod handed_over;
mod hiding;
mod judging;
mod learning;
mod like_with_like;
mod metrics;
mod odd_dates;
mod plan;
mod real_data;
mod score_properties;
mod share_properties;
mod shares;
mod undecided;
mod worked_numbers;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use meritline::core::agent::{Agent, Number, NumberKind};
use meritline::core::deal::{Deal, DealStatus};
use meritline::core::distribution::callback::CallbackRules;
use meritline::core::ids::{AgentId, CallKey, ConnectionId};
use meritline::core::intervention::{Actor, Change, Intervention, InterventionBook};
use meritline::core::metric::{Metric, MetricSetting};
use meritline::core::phone_number::PhoneNumber;
use meritline::core::policy::{
    Count, DealFilter, Dialling, Exposure, Guard, MissedOffers, Mode, OwnSetting, PersonalCalls, PersonalManager, Policy,
    ScoreSettings,
};
use meritline::core::scoring::handled_call::HandledCall;
use meritline::core::scoring::score;
use meritline::core::scoring::score_input::ScoreInput;
use meritline::core::scoring::score_table::{AgentScore, ScoreTable};
use meritline::core::workspace::{
    Connection, ConnectionKind, GroupIx, GroupParts, MemberName, MemberParts, PolicyIx, Workspace, WorkspaceParts,
};
use rust_decimal::Decimal;

const DAY: u64 = 24 * 60 * 60;

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn days_ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

/// The product's defaults, but without horizon and fading, so that figures can be worked out by hand.
pub(crate) fn timeless() -> ScoreSettings {
    ScoreSettings {
        crm: vec!["bitrix".into(), "sheet".into()],
        metrics: MetricSetting::usual(),
        exposure: Exposure::Opportunities,
        min_talk_seconds: 30,
        horizon_seconds: None,
        half_life_seconds: None,
        caution: 10.0,
        strength: 1.0,
        floor: 0.5,
        ceiling: 2.0,
        deal_cap: Some(3.0),
        smoothing_seconds: 4 * 3600,
        deals: DealFilter::default(),
    }
}

fn policy(id: &str, mode: Mode, score: Option<ScoreSettings>) -> Policy {
    Policy {
        id: id.into(),
        mode,
        period_seconds: 36_000,
        count: Count::Answered,
        score,
        guard: Guard::default(),
        dialling: Dialling { busy_stage: true, ring_seconds: 20, targets_max: 5, mobile_callers: None },
        personal_manager: PersonalManager::Prefer,
        personal_calls: PersonalCalls::Apart,
        callback: CallbackRules::OFF,
        rollout: Default::default(),
        own_setting: OwnSetting::default(),
        missed_offers: MissedOffers::OFF,
        ramp_up: Default::default(),
    }
}

fn crm(id: &str) -> Connection {
    let kind = ConnectionKind::Crm { refresh_seconds: 300 };
    Connection { id: id.into(), integration: format!("crm/{id}"), kind, settings: serde_json::json!({}) }
}

/// A workspace in roubles with two CRMs, in which agent `x` is user `x`; one group `team` of all `agents`.
fn parts(agents: &[&str], policy: Policy) -> WorkspaceParts {
    let person = |(at, id): (usize, &&str)| Agent {
        id: (*id).into(),
        name: format!("Agent {at}").into(),
        numbers: [Number { kind: NumberKind::Sip, value: format!("{}", 100 + at).into() }].into(),
        crm_users: BTreeMap::from([("bitrix".into(), (*id).into()), ("sheet".into(), (*id).into())]),
        duty: Default::default(),
    };
    WorkspaceParts {
        id: "acme".into(),
        name: "ACME Sales".to_owned(),
        time_zone: jiff::tz::TimeZone::UTC,
        default_region: "RU".to_owned(),
        currency: "RUB".parse().unwrap(),
        agents: agents.iter().enumerate().map(person).collect(),
        groups: vec![GroupParts {
            id: "team".into(),
            members: agents.iter().map(|id| MemberParts { who: MemberName::Any((*id).to_owned()), base: 1.0 }).collect(),
            policy: policy.id.clone(),
            hours: None,
        }],
        policies: vec![policy],
        lists: Vec::new(),
        routes: Vec::new(),
        connections: vec![crm("bitrix"), crm("sheet")],
        hours: Vec::new(),
        default_hours: None,
    }
}

fn workspace(agents: &[&str], score: ScoreSettings) -> Workspace {
    Workspace::build(parts(agents, policy("by-results", Mode::Performance, Some(score)))).unwrap()
}

const TEAM: GroupIx = GroupIx(0);
const BY_RESULTS: PolicyIx = PolicyIx(0);

/// Scores of the team from deals of `bitrix`.
fn scores(agents: &[&str], settings: ScoreSettings, deals: &[Deal]) -> ScoreTable {
    let bitrix = ConnectionId::from("bitrix");
    scores_of_two(agents, settings, deals.iter().map(|deal| (&bitrix, deal)))
}

fn scores_of_two<'d>(
    agents: &[&str],
    settings: ScoreSettings,
    deals: impl IntoIterator<Item = (&'d ConnectionId, &'d Deal)>,
) -> ScoreTable {
    let workspace = workspace(agents, settings);
    score::compute(&ScoreInput::of(&workspace, BY_RESULTS, now()).unwrap(), deals)
}

fn scores_from_calls(agents: &[&str], settings: ScoreSettings, deals: &[Deal], calls: &[HandledCall]) -> ScoreTable {
    let workspace = workspace(agents, settings);
    let bitrix = ConnectionId::from("bitrix");
    let input = ScoreInput { handled_calls: calls, ..ScoreInput::of(&workspace, BY_RESULTS, now()).unwrap() };
    score::compute(&input, deals.iter().map(|deal| (&bitrix, deal)))
}

/// So many conversations of half an hour with callers who withhold their number.
fn calls(agent: &str, count: usize, at: Timestamp) -> impl Iterator<Item = HandledCall> {
    let one = move |number: usize| conversation(&format!("{agent}-{at}-{number}"), agent, None, at);
    (0..count).map(one).collect::<Vec<_>>().into_iter()
}

fn conversation(call: &str, agent: &str, caller: Option<&str>, at: Timestamp) -> HandledCall {
    HandledCall {
        call: CallKey { connection: "pbx".into(), call: call.into() },
        agent: agent.into(),
        caller: caller.map(|number| PhoneNumber::parse(number, "RU").unwrap()),
        at,
        talk_seconds: 1800.0,
    }
}

/// Weights of conversion and check.
fn weights(contracts_closed: f64, average_check: f64) -> Vec<MetricSetting> {
    vec![MetricSetting::more(Metric::ContractsClosed, contracts_closed), MetricSetting::more(Metric::AverageCheck, average_check)]
}

fn deal(id: &str, user: &str, status: DealStatus) -> Deal {
    Deal {
        deal: id.into(),
        user: Some(user.into()),
        status,
        amount: None,
        returned_amount: None,
        currency: None,
        opened_at: None,
        closed_at: None,
        pipeline: None,
        lead_source: None,
        new_customer: None,
        contact_phones: Vec::new(),
        link_key: None,
        metrics: BTreeMap::new(),
        unreadable_metrics: Default::default(),
        memory: Default::default(),
    }
}

fn won(id: &str, user: &str, amount: &str) -> Deal {
    Deal { amount: Some(amount.parse().unwrap()), closed_at: Some(days_ago(0)), ..deal(id, user, DealStatus::Won) }
}

fn lost(id: &str, user: &str) -> Deal {
    Deal { closed_at: Some(days_ago(0)), ..deal(id, user, DealStatus::Lost) }
}

fn open(id: &str, user: &str, opened_days_ago: i64) -> Deal {
    Deal { opened_at: Some(days_ago(opened_days_ago)), ..deal(id, user, DealStatus::Open) }
}

/// What a sales lead set by hand, now.
fn book(changes: Vec<Change>) -> InterventionBook {
    let mut book = InterventionBook::default();
    for (change, id) in changes.into_iter().zip(1u128..) {
        let by = Actor { role: "sales_lead".into(), agent: None };
        book.add(&Intervention { id: uuid::Uuid::from_u128(id), set_at: now(), by, change });
    }
    book
}

/// `closed` deals of somebody, of which `contracts` were won at 100 each.
fn record(user: &str, closed: usize, contracts: usize) -> Vec<Deal> {
    let one = |at: usize| {
        let id = format!("{user}-{at}");
        if at < contracts { won(&id, user, "100") } else { lost(&id, user) }
    };
    (0..closed).map(one).collect()
}

fn of<'t>(table: &'t ScoreTable, agent: &str) -> &'t AgentScore {
    table.score_of(&AgentId::from(agent)).unwrap()
}

fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[track_caller]
fn assert_near(got: f64, expected: f64, within: f64) {
    assert!((got - expected).abs() <= within, "got {got}, expected {expected} within {within}");
}
