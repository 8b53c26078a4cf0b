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
use crate::core::policy::Mode;
use crate::core::recent_calls::RecentCalls;
use crate::core::share_report::{ShareParts, ShareReport};
use crate::core::tally::Tally;
use crate::core::workspace::{GroupIx, MemberRef};

/// How much of the time one person can be in calls at most; above it waiting and errors grow.
const OCCUPANCY_MAX: f64 = 0.85;

/// From so few calls nothing follows about what one person can carry.
const CALLS_MIN: u64 = 20;

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
    calls: u64,
    talk_seconds: f64,
    hours: BTreeSet<i64>,
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
    let (mut report, mut load, mut at) = (ShareReport::default(), Load::default(), from);
    if tenant.workspace.policy_of(group).mode == Mode::HeadCount {
        report = report.by_who_is_there();
    }
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
    let feasible = people_only.then(|| feasible(&load, tenant, group)).flatten();
    Ok(ShareExplanation { units: report.units(), feasible, members: report.shares(feasible) })
}

fn add(report: &mut ShareReport, load: &mut Load, call: &CallState, group: &str, now: Timestamp) {
    for part in call.parts(now).iter().filter(|part| part.group.as_str() == group) {
        // The guard's stops are told by the standing the decision saw.
        let view = call.decisions.iter().flat_map(|record| &record.groups).find(|view| view.group == part.group);
        report.add(part, |position| view.is_some_and(|view| view.is_stopped(position)));
        load.calls += 1;
        load.talk_seconds += part.talk_seconds.unwrap_or(0.0);
        if let Some(record) = call.decisions.first() {
            load.hours.insert(record.decision.received_at.as_second().div_euclid(3600));
        }
    }
}

/// `rho_max / offered load`: what one person can carry of the calls that came, over the hours in which calls came.
fn feasible(load: &Load, tenant: &Tenant, group: GroupIx) -> Option<f64> {
    if load.calls < CALLS_MIN || load.hours.is_empty() {
        return None;
    }
    let mean_talk = load.talk_seconds / load.calls as f64;
    let wrap_up = tenant.workspace.policy_of(group).guard.wrap_up.map_or(0.0, |wrap_up| wrap_up.seconds(mean_talk));
    let calls_per_hour = load.calls as f64 / load.hours.len() as f64;
    let busy_seconds = mean_talk + wrap_up;
    (busy_seconds > 0.0).then(|| OCCUPANCY_MAX * 3600.0 / (calls_per_hour * busy_seconds))
}
