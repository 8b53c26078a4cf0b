//! How a group distributes: the knobs of one policy, already checked and in base units.

use super::distribution::callback::CallbackRules;
use super::distribution::misses::MissKind;
use super::ids::{ConnectionId, GroupId, PolicyId};
use super::intervention::Load;
use super::load::guard::Limits;
use super::metric::{Direction, Metric, MetricSetting};
use super::proving::rollout::Rollout;

/// What shares follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Typed base shares.
    Percent,
    /// The same number of calls for everybody.
    EqualCalls,
    /// The same talk time for everybody; credit in seconds.
    EqualTalkTime,
    /// Base shares bent by CRM results.
    Performance,
    /// The same number of calls for every person: a member that is a group counts as many times as it has people.
    HeadCount,
}

impl Mode {
    /// Whether credit is counted in seconds of talk instead of calls.
    pub fn counts_seconds(self) -> bool {
        match self {
            Mode::EqualTalkTime => true,
            Mode::Percent | Mode::EqualCalls | Mode::Performance | Mode::HeadCount => false,
        }
    }

    /// Whether base shares matter; the `equal_*` modes and `head_count` ignore them, but for 0.
    pub fn uses_base(self) -> bool {
        match self {
            Mode::Percent | Mode::Performance => true,
            Mode::EqualCalls | Mode::EqualTalkTime | Mode::HeadCount => false,
        }
    }
}

/// What is charged to a member's credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// Every offer.
    Offered,
    /// Only answered calls.
    Answered,
}

/// What a conversion is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exposure {
    /// Deals handled: won and lost.
    Opportunities,
    /// Calls handled.
    Calls,
}

/// What becomes of the credit when the caller's own manager is rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersonalCalls {
    /// Nothing: new calls are shared on their own.
    Apart,
    /// A member is charged like for any call.
    Count,
}

/// Whether the caller's responsible manager is rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersonalManager {
    /// First, if on duty and free.
    Prefer,
    /// That agent alone.
    Only,
    /// Not considered.
    Off,
}

/// Which deals count for scores; empty lists mean all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DealFilter {
    /// Pipelines by the CRM's name; empty means all.
    pub pipelines: Vec<String>,
    /// Lead sources by the CRM's name; empty means all.
    pub sources: Vec<String>,
    /// Only deals of new customers.
    pub new_customers_only: bool,
}

/// How deals become scores. Formulas: `core::scoring::score`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreSettings {
    /// CRM connections whose deals count.
    pub crm: Vec<ConnectionId>,
    /// What counts, and how much, in the order of the document; what is not named does not count.
    pub metrics: Vec<MetricSetting>,
    /// What a conversion is counted from.
    pub exposure: Exposure,
    /// A call counts as handled from so many seconds of talk on; only for [`Exposure::Calls`].
    pub min_talk_seconds: u32,
    /// Deals closed longer ago do not count; none means all count.
    pub horizon_seconds: Option<u64>,
    /// After this time a result counts half; none means it never fades.
    pub half_life_seconds: Option<u64>,
    /// Everybody starts as if they had already closed this many average contracts.
    pub caution: f64,
    /// How much results matter: 0 nothing, 1 usual, 2 strong.
    pub strength: f64,
    /// Nobody gets less than this multiple of the base share.
    pub floor: f64,
    /// Nobody gets more than this multiple of the base share.
    pub ceiling: f64,
    /// One contract counts at most as this many typical ones; none means no cap.
    pub deal_cap: Option<f64>,
    /// Half-life with which published shares follow a changed score, in seconds; 0 means at once.
    pub smoothing_seconds: u64,
    /// Which deals count.
    pub deals: DealFilter,
}

impl ScoreSettings {
    /// How much a metric counts; weight 0 for one that is not named.
    pub fn metric(&self, metric: &Metric) -> MetricSetting {
        metric_setting(&self.metrics, metric)
    }
}

/// How much a metric counts by a list of settings; weight 0 for one that is not named.
pub(super) fn metric_setting(metrics: &[MetricSetting], metric: &Metric) -> MetricSetting {
    let named = metrics.iter().find(|setting| setting.metric == *metric);
    named.cloned().unwrap_or_else(|| MetricSetting { metric: metric.clone(), weight: 0.0, direction: Direction::More })
}

/// How new people come to their share: a part of it on the first day, all of it some working days later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RampUp {
    /// Part of the base share on the first day, 0 to 1.
    pub from: f64,
    /// Working days until the whole base share; 0 means at once.
    pub working_days: u32,
}

impl RampUp {
    /// New people get their whole share at once.
    pub const OFF: Self = Self { from: 1.0, working_days: 0 };

    /// Times the base share after so many working days.
    pub fn factor(&self, days_worked: u32) -> f64 {
        if days_worked >= self.working_days {
            return 1.0;
        }
        self.from + (1.0 - self.from) * f64::from(days_worked) / f64::from(self.working_days)
    }
}

impl Default for RampUp {
    fn default() -> Self {
        Self { from: 0.3, working_days: 20 }
    }
}

/// After-call time: `min(max, base + per_talk_second x talk)` seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WrapUp {
    /// Seconds after any conversation.
    pub base_seconds: f64,
    /// Further seconds per second of talk.
    pub per_talk_second: f64,
    /// Never longer than this.
    pub max_seconds: f64,
}

impl WrapUp {
    /// That of every preset.
    pub const STANDARD: Self = Self { base_seconds: 30.0, per_talk_second: 0.1, max_seconds: 180.0 };

    /// After-call time for a conversation of `talk_seconds`, in seconds.
    pub fn seconds(&self, talk_seconds: f64) -> f64 {
        (self.base_seconds + self.per_talk_second * talk_seconds).min(self.max_seconds).max(0.0)
    }
}

/// The overload guard.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// How many calls and reservations an agent may have at once.
    pub concurrent_calls: u32,
    /// After-call time; none means none.
    pub wrap_up: Option<WrapUp>,
    /// What eases and stops people; all off means nothing does.
    pub limits: Limits,
    /// Where a call goes when the guard has stopped all who could be in the rotation: the first of these that can take it.
    pub when_all_stopped: Vec<WhenAllStopped>,
}

impl Guard {
    /// What the preset `light` means.
    pub fn light() -> Self {
        Self { wrap_up: Some(WrapUp::STANDARD), limits: Limits::LIGHT, ..Self::default() }
    }

    /// What the preset `standard` means.
    pub fn standard() -> Self {
        Self { wrap_up: Some(WrapUp::STANDARD), limits: Limits::STANDARD, ..Self::default() }
    }

    /// What the preset `strict` means.
    pub fn strict() -> Self {
        Self { wrap_up: Some(WrapUp::STANDARD), limits: Limits::STRICT, ..Self::default() }
    }
}

impl Default for Guard {
    fn default() -> Self {
        let when_all_stopped = vec![WhenAllStopped::Fallback];
        Self { concurrent_calls: 1, wrap_up: None, limits: Limits::default(), when_all_stopped }
    }
}

/// One thing to do with a call when everybody rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhenAllStopped {
    /// The route's fallback; passed over by a route that has none.
    Fallback,
    /// Another group's people, by that group's policy.
    Group(GroupId),
    /// The stopped person who is past a limit least.
    LeastOver,
    /// A promise to call back; passed over by a caller who cannot be called back.
    Callback,
}

/// How targets are rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialling {
    /// Whether busy agents follow the free ones (stage `busy`).
    pub busy_stage: bool,
    /// How long each target rings, in seconds.
    pub ring_seconds: u32,
    /// At most this many targets, both stages together.
    pub targets_max: usize,
    /// What is different for callers on a mobile phone, who wait less.
    pub mobile_callers: Option<MobileCallers>,
}

/// How callers on a mobile phone are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MobileCallers {
    /// At most this many targets.
    pub targets_max: usize,
    /// How long each target rings, in seconds.
    pub ring_seconds: u32,
}

/// What agents may set for themselves, and what it does to their weight.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnSetting {
    /// Times the weight of who wants fewer calls.
    pub lighter: f64,
    /// Times the weight of who wants more.
    pub heavier: f64,
    /// What an agent may choose; a sales lead may set anything.
    pub allowed: Vec<Load>,
}

impl OwnSetting {
    /// Times the weight of who wants so many calls.
    pub fn factor(&self, load: Load) -> f64 {
        match load {
            Load::Lighter => self.lighter,
            Load::Normal => 1.0,
            Load::Heavier => self.heavier,
        }
    }
}

impl Default for OwnSetting {
    fn default() -> Self {
        Self { lighter: 0.5, heavier: 1.25, allowed: vec![Load::Lighter, Load::Normal, Load::Heavier] }
    }
}

/// After how many offers not taken in a row an agent is paused, by kind (none: never), and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissedOffers {
    /// Not picked up in time.
    pub missed: Option<u32>,
    /// Declined.
    pub rejected: Option<u32>,
    /// The number was busy.
    pub busy: Option<u32>,
    /// The number could not be reached.
    pub unreachable: Option<u32>,
    /// How long the pause lasts, in seconds; none means until a presence is set, for a shift at most.
    pub pause_seconds: Option<u32>,
}

impl MissedOffers {
    /// Nobody is ever paused for misses.
    pub const OFF: Self = Self { missed: None, rejected: None, busy: None, unreachable: None, pause_seconds: None };

    /// After how many misses of a kind.
    pub fn limit(&self, kind: MissKind) -> Option<u32> {
        match kind {
            MissKind::Missed => self.missed,
            MissKind::Rejected => self.rejected,
            MissKind::Busy => self.busy,
            MissKind::Unreachable => self.unreachable,
        }
    }
}

impl Default for MissedOffers {
    fn default() -> Self {
        Self { missed: Some(3), rejected: Some(3), busy: None, unreachable: Some(2), pause_seconds: Some(15 * 60) }
    }
}

/// How a group distributes.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The workspace's id.
    pub id: PolicyId,
    /// What shares follow.
    pub mode: Mode,
    /// Statistics collection period and half-life of credit, in seconds: 300 to 86400.
    pub period_seconds: u32,
    /// What is charged.
    pub count: Count,
    /// How deals become scores; present exactly for [`Mode::Performance`].
    pub score: Option<ScoreSettings>,
    /// What keeps people from overload.
    pub guard: Guard,
    /// How targets are rung.
    pub dialling: Dialling,
    /// Whether the caller's own manager is rung.
    pub personal_manager: PersonalManager,
    /// What becomes of the credit then.
    pub personal_calls: PersonalCalls,
    /// How callers who were missed or cut off are treated.
    pub callback: CallbackRules,
    /// Which calls are answered by it.
    pub rollout: Rollout,
    /// What agents may set for themselves.
    pub own_setting: OwnSetting,
    /// When offers not taken pause an agent.
    pub missed_offers: MissedOffers,
    /// How new people come to their share.
    pub ramp_up: RampUp,
}
