//! The workspace document: what a file says, checked against the schema, in the file's own words.

use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use super::hours::HoursPart;
use super::problem::{Positions, Problem, Problems};
use super::{SettingsCheck, build, schema};
use crate::core::intervention::Load;
use crate::core::workspace::Workspace;

/// A workspace document. The stored form is its JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceDocument(pub(super) Value);

/// A stored document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a workspace document: {0}")]
pub struct DocumentError(String);

impl WorkspaceDocument {
    /// The workspace's id.
    pub fn id(&self) -> &str {
        self.0.get("workspace").and_then(Value::as_str).unwrap_or_default()
    }

    /// The stored form.
    pub fn to_json(&self) -> String {
        self.0.to_string()
    }

    /// Reads the stored form.
    pub fn from_json(text: &str) -> Result<Self, DocumentError> {
        let value: Value = serde_json::from_str(text).map_err(|error| DocumentError(error.to_string()))?;
        if value.get("workspace").and_then(Value::as_str).is_none() {
            return Err(DocumentError("it has no `workspace`".to_owned()));
        }
        Ok(Self(value))
    }

    /// The document as a file: readable, and read back to the same document.
    pub fn to_yaml(&self) -> String {
        serde_saphyr::to_string(&Plain(&self.0)).unwrap_or_else(|error| format!("# cannot be written: {error}\n"))
    }

    /// The checked workspace. Problems have no place in a file here.
    pub fn build(&self, checks: &dyn SettingsCheck) -> Result<Workspace, Vec<Problem>> {
        let positions = Positions::default();
        let mut problems = Problems::new("stored workspace", &positions);
        schema::check(&self.0, &mut problems);
        if problems.found.is_empty()
            && let Some(workspace) = build::build(&self.0, checks, &mut problems)
        {
            return Ok(workspace);
        }
        Err(problems.finish())
    }
}

/// A JSON value as serializers other than JSON's should see it: numbers as numbers.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => to.serialize_unit(),
            Value::Bool(yes) => to.serialize_bool(*yes),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => to.serialize_i64(whole),
                (None, Some(fraction)) => to.serialize_f64(fraction),
                (None, None) => to.serialize_str(&number.to_string()),
            },
            Value::String(text) => to.serialize_str(text),
            Value::Array(items) => {
                let mut seq = to.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| seq.serialize_element(&Plain(item)))?;
                seq.end()
            }
            Value::Object(fields) => {
                let mut map = to.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(key, value)| map.serialize_entry(key, &Plain(value)))?;
                map.end()
            }
        }
    }
}

/// The parts of a document with plain forms, typed. Parts with several forms stay JSON and are read in `build`.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) workspace: String,
    pub(super) name: Option<String>,
    pub(super) time_zone: String,
    pub(super) default_region: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) default_hours: Option<String>,
    #[serde(default)]
    pub(super) hours: Vec<HoursPart>,
    #[serde(default)]
    pub(super) agents: Vec<AgentPart>,
    #[serde(default)]
    pub(super) groups: Vec<GroupPart>,
    #[serde(default)]
    pub(super) policies: Vec<PolicyPart>,
    #[serde(default)]
    pub(super) lists: Vec<ListPart>,
    #[serde(default)]
    pub(super) routes: Vec<RoutePart>,
    #[serde(default)]
    pub(super) connections: Vec<ConnectionPart>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AgentPart {
    pub(super) id: String,
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) numbers: Vec<serde_json::Map<String, Value>>,
    #[serde(default)]
    pub(super) crm_users: std::collections::BTreeMap<String, String>,
    pub(super) hours: Option<String>,
    pub(super) since: Option<String>,
    #[serde(default)]
    pub(super) absences: Vec<AbsencePart>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AbsencePart {
    pub(super) from: String,
    pub(super) to: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct GroupPart {
    pub(super) id: String,
    pub(super) members: Vec<Value>,
    pub(super) policy: String,
    pub(super) hours: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PolicyPart {
    pub(super) id: String,
    pub(super) mode: String,
    pub(super) period: Option<String>,
    pub(super) count: Option<String>,
    pub(super) score: Option<ScorePart>,
    pub(super) guard: Option<Value>,
    pub(super) dialling: Option<DiallingPart>,
    pub(super) personal_manager: Option<String>,
    pub(super) personal_calls: Option<String>,
    pub(super) callback: Option<CallbackPart>,
    pub(super) own_setting: Option<OwnSettingPart>,
    pub(super) missed_offers: Option<MissedOffersPart>,
    pub(super) ramp_up: Option<Value>,
    pub(super) rollout: Option<String>,
    pub(super) experiment: Option<ExperimentPart>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ExperimentPart {
    pub(super) treatment_share: Option<f64>,
    pub(super) block: Option<String>,
    pub(super) drop_first: Option<String>,
    pub(super) seed: Option<u64>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) attribution: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ScorePart {
    #[serde(default)]
    pub(super) crm: Vec<String>,
    pub(super) metrics: Option<serde_json::Map<String, Value>>,
    pub(super) exposure: Option<String>,
    pub(super) min_talk_seconds: Option<u32>,
    pub(super) horizon: Option<String>,
    pub(super) half_life: Option<String>,
    pub(super) caution: Option<f64>,
    pub(super) strength: Option<f64>,
    pub(super) floor: Option<f64>,
    pub(super) ceiling: Option<f64>,
    pub(super) deal_cap: Option<Value>,
    pub(super) smoothing: Option<Value>,
    pub(super) deals: Option<DealsPart>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct RampUpPart {
    pub(super) from: Option<f64>,
    pub(super) working_days: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DealsPart {
    pub(super) pipelines: Option<Value>,
    pub(super) sources: Option<Value>,
    #[serde(default)]
    pub(super) new_customers: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct GuardPart {
    pub(super) preset: Option<String>,
    pub(super) concurrent_calls: Option<u32>,
    pub(super) wrap_up: Option<WrapUpPart>,
    pub(super) when_all_stopped: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WrapUpPart {
    pub(super) base_seconds: Option<f64>,
    pub(super) per_talk_second: Option<f64>,
    pub(super) max_seconds: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct DiallingPart {
    pub(super) stages: Option<Vec<String>>,
    pub(super) ring_seconds: Option<u32>,
    pub(super) targets_max: Option<usize>,
    pub(super) mobile_callers: Option<MobileCallersPart>,
}

#[derive(Debug, Deserialize)]
pub(super) struct MobileCallersPart {
    pub(super) targets_max: Option<usize>,
    pub(super) ring_seconds: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct CallbackPart {
    pub(super) tasks: Option<bool>,
    pub(super) context_first: Option<bool>,
    pub(super) missed_within: Option<String>,
    pub(super) talked_within: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OwnSettingPart {
    pub(super) lighter: Option<f64>,
    pub(super) heavier: Option<f64>,
    pub(super) allowed: Option<Vec<Load>>,
}

/// Counts are a number or `off`.
#[derive(Debug, Deserialize)]
pub(super) struct MissedOffersPart {
    pub(super) missed: Option<Value>,
    pub(super) rejected: Option<Value>,
    pub(super) busy: Option<Value>,
    pub(super) unreachable: Option<Value>,
    pub(super) pause: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RoutePart {
    pub(super) id: String,
    pub(super) called: Option<Value>,
    pub(super) scenario: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) when: Option<WhenPart>,
    pub(super) group: Option<String>,
    pub(super) reject: Option<Value>,
    pub(super) branch: Option<String>,
    pub(super) callback: Option<CallbackOutcomePart>,
    pub(super) fallback: Option<FallbackPart>,
}

/// `list` and `segment` are an id or several; `hours` is an id or a block.
#[derive(Debug, Default, Deserialize)]
pub(super) struct WhenPart {
    pub(super) caller: Option<String>,
    pub(super) list: Option<Value>,
    pub(super) segment: Option<Value>,
    pub(super) hours: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CallbackOutcomePart {
    pub(super) group: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListPart {
    pub(super) id: String,
    pub(super) numbers: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FallbackPart {
    pub(super) number: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConnectionPart {
    pub(super) id: String,
    pub(super) integration: String,
    pub(super) events: Option<String>,
    pub(super) hold_seconds: Option<u32>,
    pub(super) deadline_ms: Option<u32>,
    pub(super) retry_window_seconds: Option<u32>,
    pub(super) refresh: Option<String>,
    pub(super) settings: Option<Value>,
}
