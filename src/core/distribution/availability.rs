//! Who may be rung: one agent's presence, calls and after-call time, over all numbers and groups.

use jiff::Timestamp;

use super::call_state::{Occupancy, TalkEnd, is_ahead, later};
use super::misses::{MissPause, Misses};
use crate::core::call::PbxAgentState;
use crate::core::ids::EventId;
use crate::core::intervention::{AskedPause, Load};
use crate::core::load::activity::Activity;
use crate::core::policy::{Guard, MissedOffers};
use crate::core::record::{MemberStanding, Presence, PresenceState};

/// How an agent is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Can be rung.
    Free,
    /// A call is offered.
    Ringing,
    /// In a conversation.
    Talking,
    /// In after-call time.
    WrapUp,
    /// Rests.
    Paused,
    /// Stopped by the guard.
    Stopped,
    /// Not on duty.
    OffDuty,
    /// On duty; no PBX tells whether talking.
    Unknown,
}

/// The PBX's last word on an agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PbxWord {
    /// Of two words the one received later holds, whatever the PBX's clock says.
    pub received_at: Timestamp,
    /// By the PBX's clock: decides between words received at once.
    pub at: Timestamp,
    /// Decides between words of the same instant.
    pub id: EventId,
    /// What it said.
    pub state: PbxAgentState,
}

/// A call's hold on an agent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hold {
    /// Which call, by the tally's serial.
    pub call: u64,
    /// What it does.
    pub occupancy: Occupancy,
    /// Receipt of what began it.
    pub since: Timestamp,
    /// Until when, without further events.
    pub until: Timestamp,
}

/// An agent's conversations that are over. Those of calls at hand are kept apart: a late event may still change when one
/// ended, or how long it was.
#[derive(Debug, Clone, Default)]
pub struct PastTalks {
    /// By the tally's serial of the call.
    at_hand: Vec<(u64, TalkEnd)>,
    /// The last of calls that are no longer at hand.
    settled: Option<TalkEnd>,
}

impl PastTalks {
    /// Notes how a conversation ended, in place of what its call said before.
    pub fn set(&mut self, call: u64, end: TalkEnd) {
        match self.at_hand.iter_mut().find(|(known, _)| *known == call) {
            Some((_, known)) => *known = end,
            None => self.at_hand.push((call, end)),
        }
    }

    /// Takes what a call says as final.
    pub fn settle(&mut self, call: u64) {
        if let Some(place) = self.at_hand.iter().position(|(known, _)| *known == call) {
            let (_, end) = self.at_hand.swap_remove(place);
            self.settled = self.settled.into_iter().chain([end]).max_by(TalkEnd::in_order);
        }
    }

    /// The one that ended last.
    pub fn last(&self) -> Option<TalkEnd> {
        self.at_hand.iter().map(|(_, end)| *end).chain(self.settled).max_by(TalkEnd::in_order)
    }
}

/// A pause that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Pause<'a> {
    /// Why.
    pub cause: PauseCause<'a>,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// Why an agent is paused.
#[derive(Debug, Clone, PartialEq)]
pub enum PauseCause<'a> {
    /// Set by hand, perhaps with a reason.
    ByHand(Option<&'a str>),
    /// Asked for while a call was at hand, perhaps with a reason.
    AfterCall(Option<&'a str>),
    /// Misses in a row.
    Misses(MissPause),
    /// A planned break of the working hours.
    PlannedBreak,
    /// Too little is left of the shift, or until a planned break, for one more call.
    ShiftEnding,
    /// The PBX says that the agent is away or does not want calls.
    Pbx,
}

/// What is known of an agent now.
#[derive(Debug, Clone, Default)]
pub struct AgentLive {
    /// As set by hand.
    pub presence: Option<Presence>,
    /// As the PBX says.
    pub pbx_word: Option<PbxWord>,
    /// Calls that hold the agent.
    pub holds: Vec<Hold>,
    /// Conversations that are over.
    pub past_talks: PastTalks,
    /// The pause asked for after the call at hand.
    pub pause_after_call: Option<AskedPause>,
    /// Offers not taken.
    pub misses: Misses,
    /// Conversations and presence of the last day.
    pub activity: Activity,
    /// How many calls the agent wants.
    pub load: Load,
    /// When the agent last asked for one more call.
    pub one_more_asked_at: Option<Timestamp>,
    /// When a decision last named the agent first.
    pub named_first_at: Option<Timestamp>,
}

/// A call asked for past a taper is forgotten after so long: the next shift starts afresh, and a restart reads back as much.
const ONE_MORE_SECONDS: i64 = 16 * 3600;

impl AgentLive {
    /// An agent nothing is known of, in a workspace of so many policies.
    pub fn new(policies: usize) -> Self {
        Self { activity: Activity::new(policies), ..Self::default() }
    }

    /// Whether the agent asked for one more call and no decision has named the agent first since.
    pub fn wants_one_more(&self, now: Timestamp) -> bool {
        self.one_more_asked_at
            .is_some_and(|asked| now < later(asked, ONE_MORE_SECONDS) && self.named_first_at.is_none_or(|named| named < asked))
    }

    /// Duty and pause at an instant: the strictest of what was set by hand, what was asked for after a call, and what the PBX
    /// says. Automatic pauses depend on a group: see `core::distribution::rotation`.
    pub fn presence(&self, now: Timestamp) -> PresenceState {
        let by_hand = self.set_by_hand(now).map_or(PresenceState::Available, |presence| presence.state);
        let after_call = match self.asked_pause(now) {
            Some(asked) if !self.finishes(asked, now) => PresenceState::Paused,
            Some(_) | None => PresenceState::Available,
        };
        let by_pbx = match self.pbx_word.as_ref().map(|word| word.state) {
            None | Some(PbxAgentState::Available) => PresenceState::Available,
            Some(PbxAgentState::Away | PbxAgentState::DoNotDisturb) => PresenceState::Paused,
            Some(PbxAgentState::Offline) => PresenceState::OffDuty,
        };
        by_hand.max(after_call).max(by_pbx)
    }

    /// The presence set by hand, while it holds.
    pub fn set_by_hand(&self, now: Timestamp) -> Option<&Presence> {
        self.presence.as_ref().filter(|presence| presence.until.is_none_or(|until| now < until))
    }

    /// The pause of an agent who is paused, and why; automatic pauses apart.
    pub fn pause(&self, now: Timestamp) -> Option<Pause<'_>> {
        if self.presence(now) != PresenceState::Paused {
            return None;
        }
        let by_hand = self.set_by_hand(now).filter(|presence| presence.state == PresenceState::Paused);
        Some(match (by_hand, self.asked_pause(now).filter(|asked| !self.finishes(asked, now))) {
            (Some(set), _) => Pause { cause: PauseCause::ByHand(set.reason.as_deref()), until: set.until },
            (None, Some(asked)) => Pause { cause: PauseCause::AfterCall(asked.reason.as_deref()), until: asked.until },
            (None, None) => Pause { cause: PauseCause::Pbx, until: None },
        })
    }

    /// The pause that begins when the call at hand ends.
    pub fn pending_pause(&self, now: Timestamp) -> Option<&AskedPause> {
        self.asked_pause(now).filter(|asked| self.finishes(asked, now))
    }

    /// The pause that misses in a row ask for under a policy.
    pub fn miss_pause(&self, rule: &MissedOffers, now: Timestamp) -> Option<MissPause> {
        self.misses.pause(rule, self.presence.as_ref().map(|presence| presence.set_at), now)
    }

    /// A pause asked for, pending or not: neither over nor taken back by a presence set later.
    fn asked_pause(&self, now: Timestamp) -> Option<&AskedPause> {
        let asked = self.pause_after_call.as_ref()?;
        let taken_back = self.presence.as_ref().is_some_and(|presence| asked.asked_at < presence.set_at);
        (!taken_back && asked.until.is_none_or(|until| now < until)).then_some(asked)
    }

    /// Whether the agent still talks as when the pause was asked for. A conversation begun since does not hold it off: whoever
    /// calls somebody in the pause stays paused.
    fn finishes(&self, asked: &AskedPause, now: Timestamp) -> bool {
        let mut talks = self.holds.iter().filter(|hold| hold.occupancy == Occupancy::Talking && now < hold.until);
        talks.any(|hold| hold.since <= asked.asked_at)
    }

    /// When after-call time ends under a guard; none when there is none now.
    pub fn wrap_up_until(&self, guard: &Guard, now: Timestamp) -> Option<Timestamp> {
        let (wrap_up, talk) = (guard.wrap_up?, self.past_talks.last()?);
        if is_ahead(talk.received_at, now) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded by max_seconds, minutes in practice")]
        let micros = (wrap_up.seconds(talk.talk_seconds) * 1e6) as i64;
        let until = talk.received_at.checked_add(jiff::SignedDuration::from_micros(micros)).ok()?;
        (now < until).then_some(until)
    }

    /// How the agent stands for a call under a group's guard. The call's own hold, if it has one, is not held against
    /// the agent.
    pub fn standing(&self, guard: &Guard, now: Timestamp, own_call: Option<u64>) -> MemberStanding {
        match self.presence(now) {
            PresenceState::OffDuty => return MemberStanding::OffDuty,
            PresenceState::Paused => return MemberStanding::Paused,
            PresenceState::Available => {}
        }
        let live = self.holds.iter().filter(|hold| now < hold.until && Some(hold.call) != own_call);
        let (mut held, mut offered) = (0u32, false);
        for hold in live {
            held += 1;
            offered |= matches!(hold.occupancy, Occupancy::Reserved | Occupancy::Ringing);
        }
        if offered && held >= guard.concurrent_calls {
            MemberStanding::Reserved
        } else if held >= guard.concurrent_calls || self.wrap_up_until(guard, now).is_some() {
            MemberStanding::Busy
        } else {
            MemberStanding::Free
        }
    }

    /// How the agent is shown. `calls_are_told` says whether any PBX of the workspace posts events.
    pub fn state(&self, guard: &Guard, now: Timestamp, calls_are_told: bool) -> AgentState {
        match self.presence(now) {
            PresenceState::OffDuty => return AgentState::OffDuty,
            PresenceState::Paused => return AgentState::Paused,
            PresenceState::Available => {}
        }
        if !calls_are_told {
            return AgentState::Unknown;
        }
        let strongest = self.holds.iter().filter(|hold| now < hold.until).map(|hold| hold.occupancy).max();
        match strongest {
            Some(Occupancy::Talking) => AgentState::Talking,
            Some(Occupancy::Ringing | Occupancy::Reserved) => AgentState::Ringing,
            None if self.wrap_up_until(guard, now).is_some() => AgentState::WrapUp,
            None => AgentState::Free,
        }
    }
}
