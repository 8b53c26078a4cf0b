//! The load of each group as the calls recorded in the store tell it: for what one person can carry, where shares are set.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::recorded_calls::{CHUNK_HOURS, after, calls_of, chunk};
use super::store::{Store, StoreError};
use crate::core::load::load_meter::LoadMeter;
use crate::core::load::offered_load::OfferedLoad;
use crate::core::workspace::{GroupIx, Workspace};

/// So many of the last days with conversations are looked at.
const WORKING_DAYS: u32 = 3;

/// So many days back they are looked for: over holidays too.
const DAYS_BACK_MAX: u32 = 14;

/// So many conversations tell enough, however few days they took.
const CALLS_ENOUGH: u64 = 20_000;

/// The load of each group of a workspace over the last days with conversations; a group with too few of them is not there. The
/// workspace need not be stored, nor open: calls are found by its id and the ids of its groups.
pub async fn recorded_loads(
    store: &dyn Store,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<BTreeMap<GroupIx, OfferedLoad>, StoreError> {
    let mut meters: BTreeMap<GroupIx, LoadMeter> = BTreeMap::new();
    let (mut until, mut working_days, mut conversations) = (now, 0, 0);
    for _ in 0..DAYS_BACK_MAX {
        let from = after(until, -CHUNK_HOURS);
        let (facts, tail, _) = chunk(store, &workspace.id, from, until).await?;
        let before = conversations;
        for part in calls_of(&facts, &tail).values().flat_map(|call| call.parts(now)) {
            let Some(group) = workspace.find_group(&part.group) else { continue };
            meters.entry(group).or_default().add_part(&part, workspace, group);
            conversations += u64::from(part.talk_seconds.is_some());
        }
        working_days += u32::from(conversations > before);
        if working_days >= WORKING_DAYS || conversations >= CALLS_ENOUGH {
            break;
        }
        until = from;
    }
    Ok(meters.into_iter().filter_map(|(group, meter)| Some((group, meter.offered()?))).collect())
}
