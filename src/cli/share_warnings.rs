//! Warns, where a share is set, of shares that nobody could carry at the load recorded in the store. Never a reason to refuse a file.

use crate::broker::ports::Clock;
use crate::broker::recorded_load::recorded_loads;
use crate::broker::store::Store;
use crate::core::load::feasible_share::GroupCeiling;
use crate::core::shares::share_board::ShareBoard;
use crate::service::clock::SystemClock;
use crate::workspace_file::Checked;

/// Prints what there is to warn of in a file.
pub(super) async fn warn(store: &dyn Store, checked: &Checked) {
    let workspace = &checked.workspace;
    let loads = match recorded_loads(store, workspace, SystemClock.now()).await {
        Ok(loads) => loads,
        Err(error) => {
            eprintln!("warning: whether the shares of workspace `{}` can be carried could not be told: {error}", workspace.id);
            return;
        }
    };
    let board = ShareBoard::of_base(workspace);
    for (group, load) in loads {
        let Some(shares) = board.group(group) else { continue };
        for (member, told) in (GroupCeiling { workspace, group, load }).told_apart(&shares.base) {
            let pointer = match member {
                Some(member) => format!("/groups/{}/members/{member}", group.0),
                None => format!("/groups/{}", group.0),
            };
            eprintln!("warning: {}", checked.problem(&pointer, told));
        }
    }
}
