//! Why the members of a group got their shares over a span: reads what was recorded and lets the core take it apart.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::recorded_calls::{calls_of, chunk};
use super::store::{Store, StoreError};
use super::tenant::Tenant;
use crate::core::distribution::call_state::{CallState, GroupPart};
use crate::core::distribution::callback;
use crate::core::distribution::recent_calls::RecentCalls;
use crate::core::distribution::tally::Tally;
use crate::core::ids::MemberId;
use crate::core::intervention::InterventionBook;
use crate::core::load::feasible_share::GroupCeiling;
use crate::core::load::load_meter::LoadMeter;
use crate::core::shares::share_report::{ShareParts, ShareReport};
use crate::core::workspace::GroupIx;

/// The shares of a group over a span.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareExplanation {
    /// What all calls together weigh: their number, or their seconds of talk.
    pub units: f64,
    /// The largest share one person could carry at this load; none for too few calls.
    pub feasible: Option<f64>,
    /// By member.
    pub members: BTreeMap<MemberId, ShareParts>,
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
    let (mut report, mut load, mut at) = (ShareReport::default(), LoadMeter::default(), from);
    while at < until {
        let (facts, tail, end) = chunk(store, &workspace.id, at, until).await?;
        let calls = calls_of(&facts, &tail);
        // In the order they were asked about, so that sums are the same every time.
        let mut calls: Vec<CallState> = calls.into_values().collect();
        calls.sort_by_key(|call| call.decisions.first().map(|record| record.sequence));
        calls.iter().filter_map(|call| Some((&call.key, call.recent()?))).for_each(|(key, call)| recent.put(key, call));
        let counts = |call: &&CallState| call.recent().is_none_or(|known| !callback::is_void(&recent, &set, &call.key, &known));
        for call in calls.iter().filter(counts) {
            let parts = call.parts(now);
            for part in parts.iter().filter(|part| part.group == *id) {
                add(&mut report, call, part);
                load.add_part(part, workspace, group);
            }
        }
        recent.forget(end);
        at = end;
    }
    let ceiling = load.offered().map(|load| GroupCeiling { workspace, group, load });
    let members = report.shares(|member| {
        let ceiling = ceiling?;
        Some(workspace.find_member(member).map_or_else(|| ceiling.one_person(), |who| ceiling.feasible(who)))
    });
    Ok(ShareExplanation { units: report.units(), feasible: ceiling.map(|ceiling| ceiling.one_person()), members })
}

fn add(report: &mut ShareReport, call: &CallState, part: &GroupPart) {
    // What the guard and own settings left is told by what the decision saw.
    let view = call.decisions.iter().flat_map(|record| &record.groups).find(|view| view.group == part.group);
    report.add(part, |position| view.map_or(1.0, |view| view.left_of_share(position)));
}
