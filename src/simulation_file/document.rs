//! A simulation file in its own words, after it was held against the schema.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A text as written; a bare 0 counts as one.
#[derive(Debug)]
pub(super) struct Written(pub(super) String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(from)? {
            Value::String(text) => Self(text),
            other => Self(other.to_string()),
        })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) simulation: String,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) seed: Option<u64>,
    pub(super) replications: Option<u32>,
    pub(super) days: Option<u32>,
    pub(super) open: Option<Written>,
    pub(super) warm_up: Option<Written>,
    pub(super) answer_goal: Option<Written>,
    pub(super) ring: Option<Written>,
    pub(super) check_spread: Option<f64>,
    pub(super) load: LoadPart,
    pub(super) talk: DistributionPart,
    pub(super) wrap_up: Option<Value>,
    pub(super) patience: Option<DistributionPart>,
    pub(super) agents: Value,
    #[serde(default)]
    pub(super) base_changes: Vec<BaseChangePart>,
    pub(super) fatigue: Option<FatiguePart>,
    pub(super) policies: Vec<PolicyPart>,
    pub(super) compare_with: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LoadPart {
    pub(super) calls_per_hour: Option<f64>,
    pub(super) profile: Option<Vec<f64>>,
    pub(super) log: Option<Vec<LoggedPart>>,
    pub(super) file: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LoggedPart {
    pub(super) at: f64,
    pub(super) talk: f64,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct DistributionPart {
    pub(super) constant: Option<Written>,
    pub(super) exponential: Option<Written>,
    pub(super) log_normal: Option<LogNormalPart>,
    pub(super) observed: Option<Vec<Written>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LogNormalPart {
    pub(super) mean: Written,
    pub(super) cv: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct WrapUpPart {
    pub(super) base_seconds: Option<f64>,
    pub(super) per_talk_second: Option<f64>,
    pub(super) max_seconds: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AgentPart {
    pub(super) id: String,
    pub(super) base: Option<f64>,
    pub(super) conversion: Option<f64>,
    pub(super) average_check: Option<f64>,
    pub(super) answer_probability: Option<f64>,
    #[serde(default)]
    pub(super) away: Vec<AwayPart>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AwayPart {
    pub(super) from: Written,
    pub(super) until: Written,
}

#[derive(Debug, Deserialize)]
pub(super) struct BaseChangePart {
    pub(super) agent: String,
    pub(super) at: Written,
    pub(super) base: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct FatiguePart {
    pub(super) talk_minutes: Option<[f64; 2]>,
    pub(super) talk_loss: Option<f64>,
    pub(super) calls_in_a_row: Option<f64>,
    pub(super) row_loss: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PolicyPart {
    pub(super) id: String,
    pub(super) mode: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) grows_over: Option<String>,
    pub(super) cap: Option<Value>,
    pub(super) period: Option<Written>,
    pub(super) count: Option<String>,
    pub(super) guard: Option<Value>,
    pub(super) score: Option<ScorePart>,
}

#[derive(Debug, Deserialize)]
pub(super) struct GuardPart {
    pub(super) talk_minutes: Option<[f64; 2]>,
    pub(super) calls_per_hour: Option<[f64; 2]>,
    pub(super) occupancy: Option<[f64; 2]>,
    pub(super) calls_in_a_row: Option<[f64; 2]>,
    pub(super) minutes_since_rest: Option<[f64; 2]>,
    pub(super) hysteresis: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ScorePart {
    pub(super) caution: Option<f64>,
    pub(super) half_life: Option<String>,
    pub(super) horizon: Option<String>,
    pub(super) strength: Option<f64>,
    pub(super) floor: Option<f64>,
    pub(super) ceiling: Option<f64>,
    pub(super) deal_cap: Option<Value>,
    pub(super) smoothing: Option<Written>,
}
