//! The stored form of facts: what is written as JSON, apart from the types the program works with.
//!
//! Every body carries a version `v`. A reader takes any version it knows and passes over fields it does not; a field added
//! later must have a default, so that old rows stay readable. Knows no database.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::broker::ports::RowFault;
use crate::broker::store::{EventFlags, PullState, StoreError};
use crate::core::call::CallEventType;
use crate::core::ids::MemberId;
use crate::core::record::Lambda;
use crate::core::workspace::Workspace;

/// The version this program writes.
const VERSION: u16 = 1;

/// Expected shares as columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LambdaRow {
    /// Hash of the content.
    pub(super) key: Arc<str>,
    /// Member ids, a JSON list.
    pub(super) members: String,
    /// Typed shares.
    pub(super) base: Vec<u8>,
    /// Published shares.
    pub(super) published: Vec<u8>,
    /// Expected shares.
    pub(super) shares: Vec<u8>,
}

impl LambdaRow {
    /// The stored form.
    pub(super) fn of(lambda: &Lambda) -> Result<Self, StoreError> {
        let members = to_json(&lambda.members)?;
        let base = to_bytes(&lambda.base);
        let (published, shares) = (to_bytes(&lambda.published), to_bytes(&lambda.values));
        let mut hash = Sha256::new();
        for part in [members.as_bytes(), &base, &published, &shares] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let key: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { key: key.into(), members, base, published, shares })
    }

    /// The expected shares.
    pub(super) fn lambda(&self) -> Result<Lambda, StoreError> {
        let members: Arc<[MemberId]> = from_json(&self.members, "members of expected shares")?;
        let lambda = Lambda {
            base: to_numbers(&self.base).into(),
            published: to_numbers(&self.published).into(),
            values: to_numbers(&self.shares).into(),
            members,
        };
        if lambda.values.len() != lambda.members.len() {
            return Err(StoreError::Corrupt(format!("expected shares {}: a member without a share", self.key)));
        }
        Ok(lambda)
    }
}

fn to_bytes(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn to_numbers(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|chunk| f64::from_le_bytes(*chunk)).collect()
}

/// A versioned body around a type of the core.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Versioned<T> {
    v: u16,
    body: T,
}

impl<T> Versioned<T> {
    /// Wraps.
    pub(super) fn of(body: T) -> Self {
        Self { v: VERSION, body }
    }

    /// Unwraps.
    pub(super) fn into_body(self) -> Result<T, StoreError> {
        known_version(self.v).map(|()| self.body)
    }
}

/// How a pull went, as stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PullBody {
    cursor: Option<String>,
    succeeded_at: Option<Timestamp>,
    failure: Option<(Timestamp, String)>,
    rejected: u64,
    faults: Vec<(String, String)>,
}

impl From<PullState> for PullBody {
    fn from(state: PullState) -> Self {
        let (rejected, faults) = state.rejected;
        let faults = faults.into_iter().map(|fault| (fault.place, fault.detail)).collect();
        Self { cursor: state.cursor, succeeded_at: state.succeeded_at, failure: state.failure, rejected, faults }
    }
}

impl From<PullBody> for PullState {
    fn from(body: PullBody) -> Self {
        let faults = body.faults.into_iter().map(|(place, detail)| RowFault { place, detail }).collect();
        let rejected = (body.rejected, faults);
        Self { cursor: body.cursor, succeeded_at: body.succeeded_at, failure: body.failure, rejected }
    }
}

/// Flags as one number: 1 unknown call, 2 unknown agent.
pub(super) fn flags_to_number(flags: EventFlags) -> i64 {
    i64::from(flags.unknown_call) + 2 * i64::from(flags.unknown_agent)
}

/// Flags from their number.
pub(super) fn flags_from_number(number: i64) -> EventFlags {
    EventFlags { unknown_call: number & 1 != 0, unknown_agent: number & 2 != 0 }
}

/// Whether an event that should name an agent names none of this workspace.
pub(super) fn names_no_agent(event: &crate::core::call::CallEvent, workspace: &Workspace) -> bool {
    let stranger = |agent| workspace.find_agent(agent).is_none();
    if event.to_agent.as_ref().is_some_and(stranger) {
        return true;
    }
    match (&event.agent, event.event_type) {
        (Some(agent), _) => stranger(agent),
        (None, CallEventType::Started | CallEventType::Ended | CallEventType::Recorded) => event.number.is_some(),
        (
            None,
            CallEventType::Offered
            | CallEventType::Answered
            | CallEventType::Missed
            | CallEventType::Rejected
            | CallEventType::Busy
            | CallEventType::Unreachable
            | CallEventType::Cancelled
            | CallEventType::Transferred
            | CallEventType::Held
            | CallEventType::Resumed
            | CallEventType::AgentState,
        ) => true,
    }
}

fn known_version(version: u16) -> Result<(), StoreError> {
    if version > VERSION {
        let text = format!("written as version {version}, this program reads up to {VERSION}: start the newer program");
        return Err(StoreError::Corrupt(text));
    }
    Ok(())
}

/// Writes a body.
pub(super) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|fault| StoreError::Corrupt(format!("cannot be written as JSON: {fault}")))
}

/// Reads a body; `what` names it in the error.
pub(super) fn from_json<'a, T: Deserialize<'a>>(text: &'a (impl AsRef<[u8]> + ?Sized), what: &str) -> Result<T, StoreError> {
    // The parser's own words may quote the value, which can be personal data: only the place is told.
    serde_json::from_slice(text.as_ref())
        .map_err(|fault| StoreError::Corrupt(format!("{what}: column {} of its body is not as expected", fault.column())))
}

/// An instant as stored.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// An instant from what is stored.
pub(super) fn instant(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Corrupt(format!("{micros} is no instant")))
}
