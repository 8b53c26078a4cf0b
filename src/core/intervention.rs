//! What people set by hand while the service runs, apart from presence: facts that the fold takes like events.
//!
//! An agent's own wishes, a lead's corrections and brakes, tags on calls. Each is stored with who set it and when; what holds
//! at an instant is asked of [`InterventionBook`], whatever the order in which interventions arrive. It decides nothing: who
//! may set what is decided at the edge, what follows from it where shares, scores and choices are made.

mod stamps;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::ids::{AgentId, CallKey, ConnectionId, DealId, PolicyId};

/// The id of an intervention: a UUID version 7, made at the edge and passed in.
pub type InterventionId = uuid::Uuid;

/// One thing set by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intervention {
    /// UUID version 7.
    pub id: InterventionId,
    /// When it was set.
    pub set_at: Timestamp,
    /// Who set it.
    pub by: Actor,
    /// What was set.
    pub change: Change,
}

/// Who set something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The role of the token: `operator crm_admin sales_lead agent viewer`.
    pub role: Arc<str>,
    /// The agent, where the token is an agent's own.
    #[serde(default)]
    pub agent: Option<AgentId>,
}

/// What can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// How many calls an agent wants compared with the own share; holds until set again.
    Load {
        /// Whose.
        agent: AgentId,
        /// How many.
        load: Load,
    },
    /// One call past a soft taper of the guard; used up by the next decision that names the agent first.
    OneMore {
        /// Who.
        agent: AgentId,
    },
    /// The agent is paused when the call at hand ends; a presence set later takes it back.
    PauseAfterCall {
        /// Who.
        agent: AgentId,
        /// Why.
        reason: Option<String>,
        /// When the pause ends by itself.
        until: Option<Timestamp>,
        /// True takes it back.
        #[serde(default)]
        taken_back: bool,
    },
    /// A lead's timed factor on an agent's value.
    Correction {
        /// Whose.
        agent: AgentId,
        /// Times the value; 1 takes a correction back.
        #[serde(deserialize_with = "fraction")]
        factor: f64,
        /// Why.
        reason: String,
        /// When it ends by itself; none means when it is set again.
        until: Option<Timestamp>,
    },
    /// Something that shall not count for scores.
    Exclusion {
        /// What.
        subject: Excluded,
        /// Why.
        reason: String,
        /// True counts it again.
        lifted: bool,
    },
    /// An agent does not agree with the own score or share.
    Objection {
        /// Who.
        agent: AgentId,
        /// In the agent's words.
        text: String,
    },
    /// A lead's answer to an objection.
    ObjectionAnswer {
        /// The objection's id.
        objection: InterventionId,
        /// Whose objection it is.
        #[serde(default)]
        agent: Option<AgentId>,
        /// In the lead's words.
        text: String,
        /// Whether the lead agrees.
        accepted: bool,
    },
    /// An agent says that a call was none to sell in.
    Tag {
        /// Through which connection the call came.
        connection: ConnectionId,
        /// The call, as the PBX names it.
        call: super::ids::CallId,
        /// Whose call it was.
        agent: AgentId,
        /// What it was; none takes the tag back.
        tag: Option<CallTag>,
    },
    /// What became of a task to call somebody back.
    Callback {
        /// Through which connection the missed call came.
        connection: ConnectionId,
        /// The missed call, as the PBX names it.
        call: super::ids::CallId,
        /// Who called back.
        agent: Option<AgentId>,
        /// What came of it.
        outcome: CallbackOutcome,
    },
    /// Equal shares at once, instead of the policy's.
    EqualShares {
        /// Under which policy; none means all.
        policy: Option<PolicyId>,
        /// Whether they hold from now on.
        on: bool,
        /// Why.
        reason: Option<String>,
    },
    /// Shares follow a chosen version of the score table.
    ScorePin {
        /// Under which policy.
        policy: PolicyId,
        /// Which version; none means the newest again.
        version: Option<u64>,
        /// Why.
        reason: Option<String>,
    },
    /// A refused score table is taken after all.
    ScoreAccept {
        /// Under which policy.
        policy: PolicyId,
        /// Which version.
        version: u64,
        /// Why.
        reason: Option<String>,
    },
}

/// A fraction inside a tagged enum. JSON here keeps every digit of a number, so that it reaches such a place as a
/// [`serde_json::Number`] and not as a number.
fn fraction<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let number = serde_json::Number::deserialize(from)?;
    number.as_f64().ok_or_else(|| serde::de::Error::custom("a number too large"))
}

impl Change {
    /// The kind as it is written.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Load { .. } => "load",
            Self::OneMore { .. } => "one_more",
            Self::PauseAfterCall { .. } => "pause_after_call",
            Self::Correction { .. } => "correction",
            Self::Exclusion { .. } => "exclusion",
            Self::Objection { .. } => "objection",
            Self::ObjectionAnswer { .. } => "objection_answer",
            Self::Tag { .. } => "tag",
            Self::Callback { .. } => "callback",
            Self::EqualShares { .. } => "equal_shares",
            Self::ScorePin { .. } => "score_pin",
            Self::ScoreAccept { .. } => "score_accept",
        }
    }

    /// The calls whose part in the books it may change.
    pub fn moved_calls(&self) -> Vec<CallKey> {
        match self {
            Self::Tag { connection, call, .. } => vec![CallKey { connection: connection.clone(), call: call.clone() }],
            Self::Callback { connection, call, .. } => {
                super::distribution::callback::callback_keys(&CallKey { connection: connection.clone(), call: call.clone() })
                    .to_vec()
            }
            Self::Load { .. }
            | Self::OneMore { .. }
            | Self::PauseAfterCall { .. }
            | Self::Correction { .. }
            | Self::Exclusion { .. }
            | Self::Objection { .. }
            | Self::ObjectionAnswer { .. }
            | Self::EqualShares { .. }
            | Self::ScorePin { .. }
            | Self::ScoreAccept { .. } => Vec::new(),
        }
    }

    /// The agent it is about, where it is about one.
    pub fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::Load { agent, .. }
            | Self::OneMore { agent }
            | Self::PauseAfterCall { agent, .. }
            | Self::Correction { agent, .. }
            | Self::Objection { agent, .. }
            | Self::Tag { agent, .. } => Some(agent),
            Self::Exclusion { subject: Excluded::Days { agent, .. }, .. }
            | Self::Callback { agent, .. }
            | Self::ObjectionAnswer { agent, .. } => agent.as_ref(),
            Self::Exclusion { subject: Excluded::Deal { .. } | Excluded::Call { .. }, .. }
            | Self::EqualShares { .. }
            | Self::ScorePin { .. }
            | Self::ScoreAccept { .. } => None,
        }
    }
}

/// How many calls an agent wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// Half.
    Lighter,
    /// The own share.
    #[default]
    Normal,
    /// A quarter more.
    Heavier,
}

impl Load {
    /// Times the weight.
    pub fn factor(self) -> f64 {
        match self {
            Self::Lighter => 0.5,
            Self::Normal => 1.0,
            Self::Heavier => 1.25,
        }
    }
}

/// What an agent says a call was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallTag {
    /// Nothing could be sold: a wrong number, a question about an order.
    NotASale,
    /// Spam.
    Spam,
}

/// What came of calling somebody back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackOutcome {
    /// The caller was reached.
    Reached,
    /// Nobody answered; the task stays.
    NoAnswer,
    /// It is not needed any more.
    Dropped,
}

/// What shall not count for scores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Excluded {
    /// A deal.
    Deal {
        /// In which CRM connection.
        connection: ConnectionId,
        /// Its id there.
        deal: DealId,
    },
    /// A call, in exposure.
    Call {
        /// Through which connection it came.
        connection: ConnectionId,
        /// Its id there.
        call: super::ids::CallId,
    },
    /// Whole days in the workspace's zone, both ends included: results and exposure of these days.
    Days {
        /// Whose; none means everybody's.
        agent: Option<AgentId>,
        /// The first day.
        from: Date,
        /// The last day.
        to: Date,
    },
}

/// A pause that an agent asked for after the call at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedPause {
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// A correction in force.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrectionInForce {
    /// Which intervention.
    pub id: InterventionId,
    /// Times the value.
    pub factor: f64,
    /// Why.
    pub reason: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// A brake that holds: equal shares instead of a policy's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrakeInForce {
    /// Under which policy; none means all.
    pub policy: Option<PolicyId>,
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Who pulled it.
    pub by: Actor,
}

/// An intervention's place: of two about the same thing, the later holds.
type Stamp = (Timestamp, InterventionId);

#[derive(Debug, Clone)]
struct Latest<T> {
    stamp: Stamp,
    value: T,
}

/// What holds by hand. A maximum over stamps throughout, so order and repetition cannot matter.
#[derive(Debug, Clone, Default)]
pub struct InterventionBook {
    loads: HashMap<AgentId, Latest<Load>>,
    one_more: HashMap<AgentId, Latest<()>>,
    pauses_after_call: HashMap<AgentId, Latest<Option<AskedPause>>>,
    corrections: HashMap<AgentId, Latest<CorrectionInForce>>,
    timed_corrections: HashMap<AgentId, Latest<CorrectionInForce>>,
    exclusions: BTreeMap<Excluded, Latest<(bool, String)>>,
    tags: HashMap<CallKey, Latest<(AgentId, Option<CallTag>)>>,
    callbacks: HashMap<CallKey, BTreeMap<Stamp, (CallbackOutcome, Option<AgentId>)>>,
    equal_shares: HashMap<Option<PolicyId>, Latest<Option<BrakeInForce>>>,
    score_pins: HashMap<PolicyId, Latest<Option<u64>>>,
    accepted_scores: HashMap<PolicyId, Latest<u64>>,
}

fn keep_latest<K: std::hash::Hash + Eq, T>(book: &mut HashMap<K, Latest<T>>, key: K, stamp: Stamp, value: T) {
    match book.get_mut(&key) {
        Some(known) if known.stamp >= stamp => {}
        Some(known) => *known = Latest { stamp, value },
        None => {
            book.insert(key, Latest { stamp, value });
        }
    }
}

impl InterventionBook {
    /// Adds an intervention; the same one again changes nothing.
    pub fn add(&mut self, intervention: &Intervention) {
        let stamp = (intervention.set_at, intervention.id);
        match &intervention.change {
            Change::Load { agent, load } => keep_latest(&mut self.loads, agent.clone(), stamp, *load),
            Change::OneMore { agent } => keep_latest(&mut self.one_more, agent.clone(), stamp, ()),
            Change::PauseAfterCall { agent, reason, until, taken_back } => {
                let asked = AskedPause { asked_at: intervention.set_at, reason: reason.clone(), until: *until };
                keep_latest(&mut self.pauses_after_call, agent.clone(), stamp, (!taken_back).then_some(asked));
            }
            Change::Correction { agent, factor, reason, until } => {
                let correction =
                    CorrectionInForce { id: intervention.id, factor: *factor, reason: reason.clone(), until: *until };
                let book = if until.is_some() { &mut self.timed_corrections } else { &mut self.corrections };
                keep_latest(book, agent.clone(), stamp, correction);
            }
            Change::Exclusion { subject, reason, lifted } => {
                let known = self.exclusions.get(subject).is_some_and(|known| known.stamp >= stamp);
                if !known {
                    self.exclusions.insert(subject.clone(), Latest { stamp, value: (*lifted, reason.clone()) });
                }
            }
            Change::Tag { connection, call, agent, tag } => {
                let key = CallKey { connection: connection.clone(), call: call.clone() };
                keep_latest(&mut self.tags, key, stamp, (agent.clone(), *tag));
            }
            Change::Callback { connection, call, agent, outcome } => {
                let key = CallKey { connection: connection.clone(), call: call.clone() };
                self.callbacks.entry(key).or_default().insert(stamp, (*outcome, agent.clone()));
            }
            Change::EqualShares { policy, on, reason } => {
                let brake = on.then(|| BrakeInForce {
                    policy: policy.clone(),
                    reason: reason.clone(),
                    since: intervention.set_at,
                    by: intervention.by.clone(),
                });
                keep_latest(&mut self.equal_shares, policy.clone(), stamp, brake);
            }
            Change::ScorePin { policy, version, .. } => keep_latest(&mut self.score_pins, policy.clone(), stamp, *version),
            Change::ScoreAccept { policy, version, .. } => {
                keep_latest(&mut self.accepted_scores, policy.clone(), stamp, *version);
            }
            Change::Objection { .. } | Change::ObjectionAnswer { .. } => {}
        }
    }

    /// How many calls an agent wants.
    pub fn load(&self, agent: &AgentId) -> Load {
        self.loads.get(agent).map_or(Load::Normal, |latest| latest.value)
    }

    /// When an agent last asked for one more call.
    pub fn one_more_asked_at(&self, agent: &AgentId) -> Option<Timestamp> {
        self.one_more.get(agent).map(|latest| latest.stamp.0)
    }

    /// The pause an agent asked for after the call at hand, unless it was taken back. What came of it since is known to
    /// [`AgentLive`](super::distribution::availability::AgentLive).
    pub fn pause_after_call(&self, agent: &AgentId) -> Option<&AskedPause> {
        self.pauses_after_call.get(agent)?.value.as_ref()
    }

    /// The correction of an agent that holds at an instant; none where it is 1. One with an end stands in for an earlier one without,
    /// which holds again after it; a later one of either kind replaces both.
    pub fn correction(&self, agent: &AgentId, now: Timestamp) -> Option<&CorrectionInForce> {
        let lasting = self.corrections.get(agent);
        let timed = self.timed_corrections.get(agent).filter(|timed| {
            let runs = timed.value.until.is_some_and(|until| now < until);
            runs && lasting.is_none_or(|lasting| lasting.stamp < timed.stamp)
        });
        let correction = &timed.or(lasting)?.value;
        (correction.factor != 1.0).then_some(correction)
    }

    /// What does not count for scores, with the reasons.
    pub fn exclusions(&self) -> impl Iterator<Item = (&Excluded, &str)> {
        self.exclusions.iter().filter(|(_, latest)| !latest.value.0).map(|(subject, latest)| (subject, latest.value.1.as_str()))
    }

    /// When what does not count for scores last changed.
    pub fn exclusions_changed_at(&self) -> Option<Timestamp> {
        self.exclusions.values().map(|latest| latest.stamp.0).max()
    }

    /// The tag of a call that was asked about at an instant, with whose call it was. A PBX may use an id again: an earlier tag is
    /// of an earlier call.
    pub fn tag(&self, call: &CallKey, asked_at: Timestamp) -> Option<(&AgentId, CallTag)> {
        let latest = self.tags.get(call).filter(|latest| asked_at <= latest.stamp.0)?;
        let (agent, tag) = &latest.value;
        tag.map(|tag| (agent, tag))
    }

    /// All tagged calls, with when they were tagged.
    pub fn tags(&self) -> impl Iterator<Item = (&CallKey, Timestamp)> {
        self.tags.iter().filter(|(_, latest)| latest.value.1.is_some()).map(|(call, latest)| (call, latest.stamp.0))
    }

    /// What came of calling back after a missed call that was asked about at an instant, the last time: what, who, when.
    pub fn callback(&self, missed: &CallKey, asked_at: Timestamp) -> Option<(CallbackOutcome, Option<&AgentId>, Timestamp)> {
        let ((at, _), (outcome, agent)) = self.callbacks.get(missed)?.last_key_value()?;
        (asked_at <= *at).then_some((*outcome, agent.as_ref(), *at))
    }

    /// How often nobody answered when called back.
    pub fn callback_attempts(&self, missed: &CallKey, asked_at: Timestamp) -> u32 {
        let tries = self.callbacks.get(missed).into_iter().flatten().filter(|((at, _), _)| asked_at <= *at);
        tries.map(|(_, (outcome, _))| u32::from(*outcome == CallbackOutcome::NoAnswer)).sum()
    }

    /// Whether a policy's groups share equally by a lead's brake.
    pub fn equal_shares(&self, policy: &PolicyId) -> bool {
        if self.equal_shares.is_empty() {
            return false;
        }
        let on = |key: &Option<PolicyId>| self.equal_shares.get(key).is_some_and(|latest| latest.value.is_some());
        on(&None) || on(&Some(policy.clone()))
    }

    /// The brakes that hold, that on all policies first, then by policy.
    pub fn brakes(&self) -> Vec<&BrakeInForce> {
        let mut brakes: Vec<&BrakeInForce> = self.equal_shares.values().filter_map(|latest| latest.value.as_ref()).collect();
        brakes.sort_by(|a, b| a.policy.cmp(&b.policy));
        brakes
    }

    /// The version of the score table that a policy is held to.
    pub fn score_pin(&self, policy: &PolicyId) -> Option<u64> {
        self.score_pins.get(policy).and_then(|latest| latest.value)
    }

    /// The refused version that a lead took after all.
    pub fn accepted_score(&self, policy: &PolicyId) -> Option<u64> {
        self.accepted_scores.get(policy).map(|latest| latest.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64, id: u128, change: Change) -> Intervention {
        Intervention {
            id: uuid::Uuid::from_u128(id),
            set_at: Timestamp::from_second(1_800_000_000 + minute * 60).unwrap(),
            by: Actor { role: "sales_lead".into(), agent: None },
            change,
        }
    }

    #[test]
    fn the_later_of_two_holds_in_any_order() {
        let lighter = at(1, 1, Change::Load { agent: "anna".into(), load: Load::Lighter });
        let heavier = at(2, 2, Change::Load { agent: "anna".into(), load: Load::Heavier });
        for order in [[&lighter, &heavier], [&heavier, &lighter]] {
            let mut book = InterventionBook::default();
            order.into_iter().for_each(|one| book.add(one));
            book.add(&lighter);
            assert_eq!(book.load(&"anna".into()), Load::Heavier);
            assert_eq!(book.load(&"boris".into()), Load::Normal);
        }
    }

    #[test]
    fn an_intervention_is_written_with_its_kind_and_read_back() {
        let tag = Change::Tag { connection: "pbx".into(), call: "c1".into(), agent: "anna".into(), tag: Some(CallTag::Spam) };
        let text = serde_json::to_string(&at(0, 7, tag.clone())).unwrap();
        assert!(text.contains(r#""kind":"tag""#), "{text}");
        assert_eq!(serde_json::from_str::<Intervention>(&text).unwrap().change, tag);
    }

    /// Numbers inside a tagged enum: JSON is read with numbers of any precision, which reach them by a detour.
    #[test]
    fn numbers_are_read_back() {
        let correction = Change::Correction { agent: "anna".into(), factor: 1.5, reason: "x".to_owned(), until: None };
        let pin = Change::ScorePin { policy: "p".into(), version: Some(7), reason: None };
        let unpin = Change::ScorePin { policy: "p".into(), version: None, reason: None };
        let accept = Change::ScoreAccept { policy: "p".into(), version: 8, reason: None };
        for change in [correction, pin, unpin, accept] {
            let text = serde_json::to_string(&at(0, 7, change.clone())).unwrap();
            let read = serde_json::from_str::<Intervention>(&text).map_err(|error| format!("{text}: {error}"));
            assert_eq!(read.unwrap().change, change);
        }
    }

    #[test]
    fn a_brake_on_all_policies_holds_for_each() {
        let mut book = InterventionBook::default();
        book.add(&at(0, 1, Change::EqualShares { policy: None, on: true, reason: None }));
        assert!(book.equal_shares(&"any".into()));
        book.add(&at(1, 2, Change::EqualShares { policy: None, on: false, reason: None }));
        assert!(!book.equal_shares(&"any".into()));
    }
}
