//! A choice that a person made: the one agent named, charged like any choice. It asks for no credit.

use std::sync::Arc;

use super::{Choice, Listed, Question, Walk};
use crate::core::decision::{Reason, Stage};
use crate::core::distribution::tally::Tally;
use crate::core::proving::rollout;
use crate::core::proving::trial::Lens;
use crate::core::shares::share_board::ShareBoard;
use crate::core::workspace::AgentIx;

/// The choice of one agent, busy or not; none for who is not in the rotation of the group.
pub fn choose_named(tally: &Tally, shares: &ShareBoard, question: &Question<'_>, agent: AgentIx) -> Option<Choice> {
    let lens = Lens::answer(rollout::arms(tally, question.call, question.group, question.now));
    let workspace = Arc::clone(tally.workspace());
    let mut walk = Walk::start(&lens, &workspace, tally, shares, question);
    let path = walk.path_to(walk.top(), agent)?;
    let stands = |(node, position): &(usize, usize)| walk.nodes.get(*node)?.standing.get(*position);
    if !path.iter().all(|step| stands(step).is_some_and(|stands| stands.in_rotation())) {
        return None;
    }
    walk.list(Listed { agent, stage: Stage::Free, path });
    let moves_credit = !walk.began_apart();
    Some(walk.finish(Reason::Callback, moves_credit))
}
