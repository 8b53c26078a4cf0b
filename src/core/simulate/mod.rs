//! A sales floor in simulated time: what a policy does to revenue, waiting and people before anybody's phone rings.
//!
//! Discrete events: callers arrive, wait, give up, are given to somebody, talk; people do their after-call work, leave and come
//! back; results come in and move shares. The arithmetic is the service's own: `selection` picks and bounds credits,
//! `credit_book::fading` and `mean_talk` keep them, `target_share` and `score` make shares of results, `policy::WrapUp` after-call time.
//! Here it runs on plain arrays, so that a million calls take a second; a test holds every pick against the service's own fold.
//!
//! The same scenario, policy and seed give the same figures on every machine. It must not read files, draw charts or know what a good
//! figure is.

mod call_log;
mod calls;
mod credit;
mod distribution;
mod engine;
mod figures;
mod interval;
mod learning;
mod meter;
mod people;
mod per_agent;
mod rule;
mod scenario;
mod scenario_check;
mod sharing;
mod summary;
mod window;

pub use call_log::CallLog;
pub use distribution::Distribution;
pub use engine::{Given, run, watch};
pub use figures::{AgentFigures, ChangeFigures, Figures, HourFigures, ReturnFigures};
pub use interval::{Confidence, Interval};
pub use scenario::{
    AfterCall, Away, BaseChange, Fatigue, GrowsOver, Load, LoggedCall, Rule, Scenario, ScoreKnobs, ShareSource, SimulatedAgent,
    SimulatedGuard, SimulatedPolicy,
};
pub use scenario_check::{Fault, check};
pub use summary::{AgentSummary, ChangeSummary, HourSummary, Metric, PolicySummary, ReturnSummary, summarise};
