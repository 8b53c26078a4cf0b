//! In which order candidates are taken, whoever is most behind.

use crate::core::decision::Stage;
use crate::core::record::MemberStanding;

/// In which order candidates are taken: the free, the busy, those being offered another call; then the same among those
/// already tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Free,
    Busy,
    Reserved,
    TriedFree,
    TriedBusy,
    TriedReserved,
}

impl Rank {
    /// The first first.
    pub(super) const ALL: [Rank; 6] =
        [Rank::Free, Rank::Busy, Rank::Reserved, Rank::TriedFree, Rank::TriedBusy, Rank::TriedReserved];

    /// That of somebody who stands like this; none for who is not rung.
    pub(super) fn of(standing: MemberStanding, tried: bool) -> Option<Self> {
        match (standing, tried) {
            (MemberStanding::Free, false) => Some(Self::Free),
            (MemberStanding::Busy, false) => Some(Self::Busy),
            (MemberStanding::Reserved, false) => Some(Self::Reserved),
            (MemberStanding::Free, true) => Some(Self::TriedFree),
            (MemberStanding::Busy, true) => Some(Self::TriedBusy),
            (MemberStanding::Reserved, true) => Some(Self::TriedReserved),
            (MemberStanding::OffDuty | MemberStanding::Paused | MemberStanding::Stopped | MemberStanding::NoShare, _)
            | (MemberStanding::OutsideHours | MemberStanding::PlannedBreak | MemberStanding::ShiftEnding, _) => None,
        }
    }

    /// Whether the PBX rings somebody of this rank only if free.
    pub(super) fn stage(self) -> Stage {
        match self {
            Self::Free | Self::TriedFree => Stage::Free,
            Self::Busy | Self::Reserved | Self::TriedBusy | Self::TriedReserved => Stage::Busy,
        }
    }
}
