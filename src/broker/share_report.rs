//! Why the members of a group got their shares over a span: reads what was recorded and lets the core take it apart.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::recorded_calls::{calls_of, chunk};
use super::store::{Store, StoreError};
use super::tenant::Tenant;
use crate::core::call_state::CallState;
use crate::core::callback;
use crate::core::ids::MemberId;
use crate::core::intervention::InterventionBook;
use crate::core::offered_load::{CALLS_MIN, OCCUPANCY_MAX, OfferedLoad};
use crate::core::policy::WrapUp;
use crate::core::recent_calls::RecentCalls;
use crate::core::share_report::{ShareParts, ShareReport};
use crate::core::tally::Tally;
use crate::core::workspace::{GroupIx, MemberRef};

/// The shares of a group over a span.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareExplanation {
    /// What all calls together weigh: their number, or their seconds of talk.
    pub units: f64,
    /// The largest share one person could carry at this load; none for too few calls, and where members are groups.
    pub feasible: Option<f64>,
    /// By member.
    pub members: BTreeMap<MemberId, ShareParts>,
}

/// Load of one group, for what one person can carry.
#[derive(Debug, Default)]
struct Load {
    wrap_up: Option<WrapUp>,
    calls: u64,
    handling_seconds: f64,
    hours: BTreeSet<i64>,
}

impl Load {
    /// Over the hours in which calls came; none for too few calls.
    fn offered(&self) -> Option<OfferedLoad> {
        let span_seconds = 3600.0 * self.hours.len() as f64;
        (self.calls >= CALLS_MIN).then(|| OfferedLoad::measured(self.calls, self.handling_seconds, span_seconds)).flatten()
    }
}

/// Explains the shares of a group over `[from, until)`, as far as it is known at `now`. A call that counts for nothing, being
/// tagged or a needless callback, is left out like in the books.
pub async fn explain_shares(
    store: &dyn Store,
    tenant: &Tenant,
    group: GroupIx,
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<ShareExplanation, StoreError> {
    let workspace = &tenant.workspace;
    let id = &workspace.group(group).id;
    let (mut set, mut recent) = (InterventionBook::default(), RecentCalls::default());
    let mut look = |tally: &Tally| set = tally.interventions().clone();
    store.view(&workspace.id, now, &mut look).await?;
    let wrap_up = workspace.policy_of(group).guard.wrap_up;
    let (mut report, mut load, mut at) = (ShareReport::default(), Load { wrap_up, ..Load::default() }, from);
    while at < until {
        let (facts, tail, end) = chunk(store, &workspace.id, at, until).await?;
        let calls = calls_of(&facts, &tail);
        // In the order they were asked about, so that sums are the same every time.
        let mut calls: Vec<CallState> = calls.into_values().collect();
        calls.sort_by_key(|call| call.decisions.first().map(|record| record.sequence));
        calls.iter().filter_map(|call| Some((&call.key, call.recent()?))).for_each(|(key, call)| recent.put(key, call));
        let counts = |call: &&CallState| call.recent().is_none_or(|known| !callback::is_void(&recent, &set, &call.key, &known));
        for call in calls.iter().filter(counts) {
            add(&mut report, &mut load, call, id.as_str(), now);
        }
        recent.forget(end);
        at = end;
    }
    let people_only = workspace.group(group).members.iter().all(|member| matches!(member.who, MemberRef::Agent(_)));
    let feasible = load.offered().filter(|_| people_only).map(|offered| offered.feasible_share(OCCUPANCY_MAX));
    Ok(ShareExplanation { units: report.units(), feasible, members: report.shares(feasible) })
}

fn add(report: &mut ShareReport, load: &mut Load, call: &CallState, group: &str, now: Timestamp) {
    for part in call.parts(now).iter().filter(|part| part.group.as_str() == group) {
        // What the guard and own settings left is told by what the decision saw.
        let view = call.decisions.iter().flat_map(|record| &record.groups).find(|view| view.group == part.group);
        report.add(part, |position| view.map_or(1.0, |view| view.left_of_share(position)));
        load.calls += 1;
        if let Some(talk_seconds) = part.talk_seconds {
            load.handling_seconds += talk_seconds + load.wrap_up.map_or(0.0, |wrap_up| wrap_up.seconds(talk_seconds));
        }
        if let Some(record) = call.decisions.first() {
            load.hours.insert(record.decision.received_at.as_second().div_euclid(3600));
        }
    }
}
