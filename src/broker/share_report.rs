//! Why the members of a group got their shares over a span: reads what was recorded and lets the core take it apart.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::recorded_calls::{calls_of, chunk};
use super::store::{Store, StoreError};
use super::tenant::Tenant;
use crate::core::decision::Reason;
use crate::core::distribution::call_state::{CallState, GroupPart};
use crate::core::distribution::callback;
use crate::core::distribution::recent_calls::RecentCalls;
use crate::core::distribution::tally::Tally;
use crate::core::ids::MemberId;
use crate::core::intervention::InterventionBook;
use crate::core::load::feasible_share::GroupCeiling;
use crate::core::load::load_meter::LoadMeter;
use crate::core::policy::Count;
use crate::core::record::DecisionRecord;
use crate::core::shares::share_report::{CameBy, ShareParts, ShareReport};
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
    // What the guard and own settings left is told by what the decision saw that the part is of.
    let record = call.decisions.iter().find(|record| record.sequence == part.key.sequence);
    let view = record.and_then(|record| record.groups.iter().find(|view| view.group == part.group));
    let came_by = record.map_or(CameBy::Credit, |record| came_by(record, part));
    report.add(part, came_by, |position| view.map_or(1.0, |view| view.left_of_share(position)));
}

/// How a call came to the member that its part charges.
fn came_by(record: &DecisionRecord, part: &GroupPart) -> CameBy {
    let is_first = part.key.target == 0;
    match record.decision.reason {
        Reason::PersonalManager if is_first => CameBy::Caller,
        // A task to call somebody back is given by credit.
        Reason::Callback if is_first && record.asked.calls_back.is_none() => CameBy::Caller,
        Reason::PersonalManager | Reason::Callback | Reason::Fallback | Reason::NoRoute => CameBy::Credit,
        Reason::Percent | Reason::EqualCalls | Reason::EqualTalkTime | Reason::Performance | Reason::HeadCount => {
            let first = record.paths.first().map(|steps| &**steps).unwrap_or_default();
            let named = first.iter().find(|step| record.view(**step).is_some_and(|view| view.group == part.group));
            // Where offers are charged, each is a call of its own: nobody took one over.
            let counts = named.and_then(|step| record.view(*step)).is_some_and(|view| view.count == Count::Answered);
            let named = named.filter(|step| counts && step.member != part.contribution.member);
            named.map_or(CameBy::Credit, |step| CameBy::After(step.member))
        }
    }
}
