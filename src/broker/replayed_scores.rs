//! The scores that another version of a workspace would have had as a recorded span went on: the stored deals and conversations, as
//! they stood then, through the same computation as in the service.
//!
//! Changes nothing that is stored. A deal stands at an instant as its dates say; what its CRM said then of owner and amount is not
//! kept, so those are of now. A table that the service would have held back for a lead is followed at once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::handled_calls::HandledCalls;
use super::refresh_scores::read_since;
use super::replay::ReplayRequest;
use super::store::{Store, StoreError};
use crate::core::deal::{Deal, DealStatus};
use crate::core::ids::ConnectionId;
use crate::core::intervention::InterventionBook;
use crate::core::policy::Exposure;
use crate::core::replay::ScoreTables;
use crate::core::scoring::exclusions::Exclusions;
use crate::core::scoring::handled_call::HandledCall;
use crate::core::scoring::score;
use crate::core::scoring::score_input::ScoreInput;
use crate::core::working_time::duty_days::{OFF_DUTY_UNDECIDED_SECONDS, OffDutySpan};
use crate::core::workspace::{PolicyIx, Workspace};

/// Scores are computed anew so often; in a long span not more than [`TABLES_MAX`] times.
const EVERY_HOURS: i64 = 1;

/// So many times at most.
const TABLES_MAX: i64 = 750;

/// What scores of a span are computed from.
pub(super) struct ReplayedScores {
    workspace: Arc<Workspace>,
    policies: Vec<PolicyIx>,
    deals: BTreeMap<ConnectionId, Vec<Deal>>,
    /// By time.
    handled: Vec<HandledCall>,
    off_duty: Vec<OffDutySpan>,
    every_hours: i64,
    next: Timestamp,
}

impl ReplayedScores {
    /// Reads what the policies of the other workspace count.
    pub(super) async fn read(store: &dyn Store, request: &ReplayRequest) -> Result<Self, StoreError> {
        let workspace = Arc::clone(&request.other);
        let scored: Vec<_> = workspace.policies.iter().filter_map(|policy| policy.score.as_ref()).collect();
        let mut deals = BTreeMap::new();
        for connection in scored.iter().flat_map(|score| &score.crm) {
            if !deals.contains_key(connection) {
                deals.insert(connection.clone(), store.deals(&workspace.id, connection).await?);
            }
        }
        let since = read_since(&workspace, request.from);
        let (mut off_duty, mut handled) = (Vec::new(), Vec::new());
        if !scored.is_empty() {
            off_duty = store.off_duty_spans(&workspace.id, OFF_DUTY_UNDECIDED_SECONDS, since).await?;
        }
        if scored.iter().any(|score| score.exposure == Exposure::Calls) {
            handled = HandledCalls::default().since(store, &workspace.id, since).await?;
            handled.sort_by_key(|call| call.at);
        }
        let hours = request.until.duration_since(request.from).as_hours();
        let policies = (0..).map(PolicyIx).zip(&workspace.policies).filter(|(_, policy)| policy.score.is_some());
        let policies = policies.map(|(ix, _)| ix).collect();
        let every_hours = EVERY_HOURS.max(hours / TABLES_MAX + 1);
        Ok(Self { policies, deals, handled, off_duty, every_hours, next: Timestamp::MIN, workspace })
    }

    /// The tables to follow from an instant on, where it is time for new ones; none where those in use stay.
    pub(super) fn due(&mut self, at: Timestamp, book: &InterventionBook) -> Option<ScoreTables> {
        if at < self.next || self.policies.is_empty() {
            return None;
        }
        self.next = at.checked_add(SignedDuration::from_hours(self.every_hours)).unwrap_or(Timestamp::MAX);
        Some(self.tables(at, book))
    }

    fn tables(&self, at: Timestamp, book: &InterventionBook) -> ScoreTables {
        let exclusions = Exclusions::of(book);
        let handled = self.handled.partition_point(|call| call.at <= at);
        let off_duty: Vec<OffDutySpan> =
            self.off_duty.iter().filter(|span| span.from <= at).map(|span| until(span, at)).collect();
        let rows = self.deals.iter().flat_map(|(connection, deals)| deals.iter().map(move |deal| (connection, deal)));
        let rows: Vec<(&ConnectionId, Cow<'_, Deal>)> =
            rows.filter_map(|(connection, deal)| Some((connection, deal.as_of(at)?))).collect();
        let table = |ix: &PolicyIx| {
            let usual = ScoreInput::of(&self.workspace, *ix, at)?;
            let handled_calls = self.handled.get(..handled).unwrap_or_default();
            let input = ScoreInput { handled_calls, exclusions: Some(&exclusions), off_duty: &off_duty, ..usual };
            let table = score::compute(&input, rows.iter().map(|(connection, deal)| (*connection, &**deal)));
            Some((table.policy.clone(), Arc::new(table)))
        };
        self.policies.iter().filter_map(table).collect()
    }

    /// What these scores cannot tell.
    pub(super) fn unknowable(&self) -> Vec<String> {
        if self.policies.is_empty() {
            return Vec::new();
        }
        let every = if self.every_hours == 1 { "hour".to_owned() } else { format!("{} hours", self.every_hours) };
        let mut told = vec![format!(
            "what CRMs said at the time: scores are computed for every {every} of the span from the deals stored now, each as its \
             dates say it stood, and results stay with whoever had them"
        )];
        for (connection, deals) in &self.deals {
            if deals.is_empty() {
                told.push(format!("what connection `{connection}` would say of anybody: no deals of it are stored"));
            }
        }
        let undated = |deal: &&Deal| deal.status != DealStatus::Open && deal.closed_at.is_none();
        let undated = self.deals.values().flatten().filter(undated).count();
        if undated > 0 {
            told.push(format!("when {undated} deals without a date were won or lost: they count all the time"));
        }
        told
    }
}

/// A span as it was known at an instant.
fn until(span: &OffDutySpan, at: Timestamp) -> OffDutySpan {
    OffDutySpan { to: span.to.filter(|to| *to <= at), ..span.clone() }
}
