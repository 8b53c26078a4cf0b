//! What is simulated: the people, the calls, the effects of results and tiredness, and the policies compared.
//!
//! Plain values; `scenario_check::check` says what is wrong with them.

use super::distribution::Distribution;
use crate::core::load::guard::{Band, Limits};
use crate::core::policy::{Count, Mode, WrapUp};

/// A sales floor. Times of day count from the opening.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Who answers calls.
    pub agents: Vec<SimulatedAgent>,
    /// When calls come.
    pub load: Load,
    /// How many days, one after the other, are lived through.
    pub days: u32,
    /// How long calls are taken each day, in seconds; a whole day means without end.
    pub open_seconds: f64,
    /// Calls that arrive before this many seconds have passed are not counted in any figure.
    pub warm_up_seconds: f64,
    /// How long conversations last; a recorded call brings its own length.
    pub talk: Distribution,
    /// How long people need after a conversation.
    pub after_call: AfterCall,
    /// How long callers wait before they hang up; none means for ever.
    pub patience: Option<Distribution>,
    /// How long a phone rings in vain when an offer is missed, in seconds.
    pub ring_seconds: f64,
    /// Spread of contracts' amounts: standard deviation over mean.
    pub check_cv: f64,
    /// What tiredness is assumed to cost.
    pub fatigue: Option<Fatigue>,
    /// Base shares typed in during each day; a new day starts with the old ones.
    pub base_changes: Vec<BaseChange>,
    /// An answer within so many seconds counts for the service level.
    pub answer_goal_seconds: f64,
}

/// One person.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedAgent {
    /// Names the person.
    pub id: String,
    /// Relative share typed in by the sales lead.
    pub base: f64,
    /// True probability that a call becomes a contract.
    pub conversion: f64,
    /// True mean amount of a contract.
    pub average_check: f64,
    /// Probability that an offered call is picked up.
    pub answer_probability: f64,
    /// Spans of every day off duty.
    pub away: Vec<Away>,
}

/// A span of each day off duty, in seconds since the opening.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Away {
    /// From.
    pub from_seconds: f64,
    /// Until.
    pub until_seconds: f64,
}

/// A base share typed in at a time of each day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BaseChange {
    /// Whose, by position.
    pub agent: usize,
    /// When, in seconds since the opening.
    pub at_seconds: f64,
    /// The new base.
    pub base: f64,
}

/// When calls come.
#[derive(Debug, Clone, PartialEq)]
pub enum Load {
    /// By chance (Poisson) at so many calls an hour, for each hour since the opening; the last figure goes on.
    PerHour(Vec<f64>),
    /// As recorded, once.
    Log(Vec<LoggedCall>),
}

/// One recorded call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoggedCall {
    /// When it arrived, in seconds since the opening of the first day.
    pub at_seconds: f64,
    /// How long the conversation lasted, in seconds.
    pub talk_seconds: f64,
}

/// After-call time.
#[derive(Debug, Clone, PartialEq)]
pub enum AfterCall {
    /// None.
    None,
    /// By the length of the conversation, as a policy's guard has it.
    ByTalk(WrapUp),
    /// By chance.
    Drawn(Distribution),
}

/// What tiredness is assumed to do to conversion. Assumed, not measured: it belongs to the question, not to the answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fatigue {
    /// Minutes of talk in the shift between which conversion falls.
    pub talk_minutes: Band,
    /// By which part it has fallen at the end of the band.
    pub talk_loss: f64,
    /// From so many calls in a row on.
    pub calls_in_a_row: f64,
    /// Conversion is lower by this part.
    pub row_loss: f64,
}

/// A policy to be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedPolicy {
    /// Names it.
    pub id: String,
    /// Where shares come from.
    pub shares: ShareSource,
    /// Who is picked.
    pub rule: Rule,
    /// Statistics period and half-life of credit (window rules: the window), in seconds.
    pub period_seconds: f64,
    /// What is charged.
    pub count: Count,
    /// What keeps people from overload; none means nothing does.
    pub guard: Option<SimulatedGuard>,
    /// How results become shares, where they do.
    pub score: ScoreKnobs,
}

/// The overload guard of a policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedGuard {
    /// When it lowers shares, and when it stops people.
    pub limits: Limits,
    /// Whether whoever was stopped has to rest first, as in the service, or comes back as soon as one indicator allows a little.
    pub hysteresis: bool,
}

impl SimulatedGuard {
    /// What `guard: standard` means.
    pub const STANDARD: Self = Self { limits: Limits::STANDARD, hysteresis: true };
}

/// Where target shares come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareSource {
    /// As in the service.
    Mode(Mode),
    /// In proportion to everybody's revenue so far: a mistake often made.
    RawTotals,
}

/// Who of those that can be rung is picked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// The largest credit: the service's rule, with two knobs that the service has not.
    Credit {
        /// Over whom expected shares are spread.
        grows_over: GrowsOver,
        /// Most calls anybody is owed or ahead; none means without a cap.
        cap: Option<f64>,
    },
    /// Who has been idle longest.
    LongestIdle,
    /// By dice, in proportion to shares.
    Random,
    /// Whose part of the calls in the window is furthest below the nominal share, present or not.
    CountsInWindow,
    /// Whose calls in the window are furthest below the expected shares of the same calls.
    FairWindow,
    /// The smallest (calls today + 1/2) / share.
    Webster,
    /// Whoever has the best results, every time.
    BestFirst,
}

/// Over whom a call's expected shares are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrowsOver {
    /// Everybody in the rotation, busy or not: the service's way.
    Rotation,
    /// Only those who can be rung now.
    Free,
    /// Everybody, on duty or not.
    Everybody,
}

/// How results become shares. Formulas: `core::scoring::score`, `core::shares::target_share`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreKnobs {
    /// Everybody starts as if they had already closed this many average contracts.
    pub caution: f64,
    /// Days after which a result counts half; none means it never fades.
    pub half_life_days: Option<u32>,
    /// Results older than this many days do not count; none means all count.
    pub horizon_days: Option<u32>,
    /// How much results matter.
    pub strength: f64,
    /// Nobody gets less than this multiple of the base share.
    pub floor: f64,
    /// Nobody gets more than this multiple of the base share.
    pub ceiling: f64,
    /// One contract counts at most as this many typical ones; none means no cap.
    pub deal_cap: Option<f64>,
    /// How quickly published shares follow a changed score, in seconds.
    pub smoothing_seconds: u64,
}

impl Default for ScoreKnobs {
    /// What a workspace file means that says nothing.
    fn default() -> Self {
        Self {
            caution: 10.0,
            half_life_days: Some(30),
            horizon_days: Some(90),
            strength: 1.0,
            floor: 0.5,
            ceiling: 2.0,
            deal_cap: Some(3.0),
            smoothing_seconds: 4 * 3600,
        }
    }
}

impl SimulatedPolicy {
    /// The service's own rule under a mode, with its defaults.
    pub fn of_mode(id: &str, mode: Mode) -> Self {
        Self {
            id: id.to_owned(),
            shares: ShareSource::Mode(mode),
            rule: Rule::Credit {
                grows_over: GrowsOver::Rotation,
                cap: Some(crate::core::distribution::selection::CREDIT_CAP_CALLS),
            },
            period_seconds: 36_000.0,
            count: Count::Answered,
            guard: None,
            score: ScoreKnobs::default(),
        }
    }

    /// Whether credit is counted in seconds of talk.
    pub(super) fn counts_seconds(&self) -> bool {
        match self.shares {
            ShareSource::Mode(mode) => mode.counts_seconds(),
            ShareSource::RawTotals => false,
        }
    }
}

impl Scenario {
    /// Mean handling time, talk and after-call time, in seconds. After-call time by talk is taken at the mean talk.
    pub fn handling_seconds(&self) -> f64 {
        let talk = self.talk.mean();
        talk + match &self.after_call {
            AfterCall::None => 0.0,
            AfterCall::ByTalk(wrap_up) => wrap_up.seconds(talk),
            AfterCall::Drawn(distribution) => distribution.mean(),
        }
    }

    /// How far figures of a day reach, in seconds since its opening: as long as calls are taken. Recorded calls come when they came, so
    /// where some came later than that, to the end of the hour in which the last of them was over.
    pub fn day_seconds(&self) -> f64 {
        const DAY_SECONDS: f64 = 86_400.0;
        let Load::Log(calls) = &self.load else { return self.open_seconds };
        let in_day = calls.iter().map(|call| (call.at_seconds % DAY_SECONDS, call.talk_seconds));
        let late = in_day.filter(|(at, _)| *at >= self.open_seconds).map(|(at, talk)| at + talk).fold(0.0, f64::max);
        self.open_seconds.max((late / 3600.0).ceil() * 3600.0).min(DAY_SECONDS)
    }

    /// Whether calls are taken day and night: recorded ones come when they came.
    pub fn never_closes(&self) -> bool {
        match self.load {
            Load::Log(_) => true,
            Load::PerHour(_) => self.open_seconds >= 86_400.0,
        }
    }
}
