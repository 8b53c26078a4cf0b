//! Invariant 3 over any history: stage free never gives an agent more calls and reservations at once than the guard allows,
//! counted over all groups; stage busy rings nobody who is off duty or paused.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use meritline::core::call::CallEventType;
use meritline::core::decision::Stage;
use meritline::core::policy::{Count, Guard, Mode, Policy, WrapUp};
use meritline::core::record::{DecisionRecord, PresenceState};
use proptest::prelude::*;

use crate::support::floor::{Floor, listed, plain_policy, workspace};

const AGENTS: [&str; 5] = ["anna", "boris", "clara", "denis", "both"];
/// `both` is a member of either group.
const NORTH: [&str; 3] = ["anna", "boris", "both"];
const SOUTH: [&str; 3] = ["clara", "denis", "both"];
const WRAP_UP: WrapUp = WrapUp { base_seconds: 30.0, per_talk_second: 0.1, max_seconds: 180.0 };
/// 20 s of ringing, and 5 s for the PBX to tell.
const OFFER_SECONDS: i64 = 25;
/// After this a conversation is taken as over, even if nobody tells.
const TALK_SECONDS: i64 = 4 * 3600;

/// What a PBX and people may do. Calls, agents and groups by number, taken modulo how many there are.
#[derive(Debug, Clone)]
enum Act {
    /// A new caller is put to a group.
    Call(usize),
    /// Whom the call rings does not pick up, and the PBX asks again.
    AskAgain(usize),
    /// Whom the call rings picks up.
    Answer(usize),
    /// Whom the call rings does not: the PBX goes on to the next it may ring, or gives up.
    Miss(usize),
    /// The caller or the agent hangs up.
    HangUp(usize),
    /// An agent calls somebody.
    OwnCall(usize),
    /// An agent goes or comes back.
    Presence(usize, PresenceState),
    /// Nothing happens.
    Pass,
}

fn any_act() -> impl Strategy<Value = (Act, i64)> {
    let state = prop_oneof![
        3 => Just(PresenceState::Available),
        1 => Just(PresenceState::Paused),
        1 => Just(PresenceState::OffDuty),
    ];
    let act = prop_oneof![
        6 => any::<usize>().prop_map(Act::Call),
        1 => any::<usize>().prop_map(Act::AskAgain),
        4 => any::<usize>().prop_map(Act::Answer),
        2 => any::<usize>().prop_map(Act::Miss),
        4 => any::<usize>().prop_map(Act::HangUp),
        1 => any::<usize>().prop_map(Act::OwnCall),
        2 => (any::<usize>(), state).prop_map(|(agent, state)| Act::Presence(agent, state)),
        1 => Just(Act::Pass),
    ];
    // Mostly seconds, so that reservations and after-call time are met while they run.
    (act, prop_oneof![8 => 1i64..20, 1 => 20i64..400])
}

/// A call as the PBX sees it: a plain account of who is held, to hold the answers against.
struct PbxCall {
    name: String,
    group: usize,
    targets: Vec<(String, Stage)>,
    place: usize,
    /// Whom the call rings or connects, until when without further news, and since when they talk.
    held: Option<(String, Timestamp)>,
    talks_since: Option<Timestamp>,
}

/// A PBX over two groups that share an agent.
struct Pbx {
    floor: Floor,
    guards: [Guard; 2],
    calls: Vec<PbxCall>,
    made: usize,
    presence: [PresenceState; 5],
    /// The conversation of each agent that ended last: when, and how long it was.
    last_talk: [Option<(Timestamp, f64)>; 5],
}

impl Pbx {
    fn new(guards: [Guard; 2]) -> Self {
        let policy = |(id, guard): (&str, Guard)| {
            let mut policy = Policy { guard, ..plain_policy(id, Mode::Percent, Count::Answered) };
            policy.dialling.busy_stage = true;
            policy
        };
        let policies = [("north-policy", guards[0].clone()), ("south-policy", guards[1].clone())].map(policy).into();
        let members = |ids: [&'static str; 3]| ids.map(|id| (id, 1.0));
        let groups = [("north", "north-policy", &members(NORTH)[..]), ("south", "south-policy", &members(SOUTH)[..])];
        Self {
            floor: Floor::new(workspace(&groups, policies)),
            guards,
            calls: Vec::new(),
            made: 0,
            presence: [PresenceState::Available; 5],
            last_talk: [None; 5],
        }
    }

    fn act(&mut self, act: &Act) {
        let live = self.calls.len();
        match act {
            Act::Call(group) => self.call(group % 2),
            Act::OwnCall(agent) => self.own_call(AGENTS[agent % 5]),
            Act::Presence(agent, state) => {
                self.presence[agent % 5] = *state;
                self.floor.set_presence(AGENTS[agent % 5], *state);
            }
            Act::AskAgain(_) | Act::Answer(_) | Act::Miss(_) | Act::HangUp(_) | Act::Pass if live == 0 => {}
            Act::AskAgain(call) => self.ask_again(call % live),
            Act::Answer(call) => self.answer(call % live),
            Act::Miss(call) => self.miss(call % live),
            Act::HangUp(call) => self.hang_up(call % live),
            Act::Pass => {}
        }
    }

    fn call(&mut self, group: usize) {
        let name = self.new_name();
        self.calls.push(PbxCall { name, group, targets: Vec::new(), place: 0, held: None, talks_since: None });
        self.ask(self.calls.len() - 1);
    }

    fn new_name(&mut self) -> String {
        self.made += 1;
        format!("c{}", self.made)
    }

    /// Asks about a call; what is answered must be what the account says.
    fn ask(&mut self, at: usize) {
        let (name, group) = (self.calls[at].name.clone(), self.calls[at].group);
        self.floor.group = self.floor.group_ix(["north", "south"][group]);
        let record = self.floor.decide(&name);
        self.check(&record, at, group);
        let call = &mut self.calls[at];
        call.targets = listed(&record).into_iter().map(|(agent, stage)| (agent.to_owned(), stage)).collect();
        call.place = 0;
        let until = later(self.floor.now, OFFER_SECONDS);
        call.held = call.targets.first().map(|(agent, _)| (agent.clone(), until));
    }

    fn check(&self, record: &DecisionRecord, own: usize, group: usize) {
        let members = [NORTH, SOUTH][group];
        let present: BTreeSet<&str> = members.into_iter().filter(|agent| self.is_present(agent)).collect();
        let (free, busy): (BTreeSet<&str>, BTreeSet<&str>) =
            present.into_iter().partition(|agent| self.is_free(agent, own, &self.guards[group]));
        let in_stage = |wanted| listed(record).into_iter().filter(move |(_, stage)| *stage == wanted).map(|(agent, _)| agent);
        assert_eq!(in_stage(Stage::Free).collect::<BTreeSet<_>>(), free, "stage free");
        assert_eq!(in_stage(Stage::Busy).collect::<BTreeSet<_>>(), busy, "stage busy");
        assert_eq!(record.decision.targets.len(), free.len() + busy.len(), "nobody twice");
    }

    fn is_present(&self, agent: &str) -> bool {
        self.presence[index(agent)] == PresenceState::Available
    }

    /// Fewer calls and reservations than the guard allows, this call's own aside, and no after-call time.
    fn is_free(&self, agent: &str, own: usize, guard: &Guard) -> bool {
        let others = self.calls.iter().enumerate().filter(|(at, _)| *at != own).filter_map(|(_, call)| call.held.as_ref());
        let held = others.filter(|(holds, until)| holds == agent && self.floor.now < *until).count();
        let rests = guard.wrap_up.zip(self.last_talk[index(agent)]).is_some_and(|(wrap_up, (ended, talk_seconds))| {
            let seconds = (wrap_up.base_seconds + wrap_up.per_talk_second * talk_seconds).min(wrap_up.max_seconds);
            self.floor.now.duration_since(ended).as_secs_f64() < seconds
        });
        held < guard.concurrent_calls as usize && !rests
    }

    /// Whom a call rings, or rang last; nobody while somebody talks.
    fn rings(&self, at: usize) -> Option<(String, String)> {
        let call = &self.calls[at];
        let (agent, _) = call.held.as_ref().filter(|_| call.talks_since.is_none())?;
        Some((call.name.clone(), agent.clone()))
    }

    fn ask_again(&mut self, at: usize) {
        let Some((name, agent)) = self.rings(at) else { return };
        self.floor.event(&name, CallEventType::Missed, Some(&agent));
        self.floor.pass(1.0);
        self.ask(at);
    }

    fn answer(&mut self, at: usize) {
        let Some((name, agent)) = self.rings(at) else { return };
        let (call, now) = (&mut self.calls[at], self.floor.now);
        (call.held, call.talks_since) = (Some((agent.clone(), later(now, TALK_SECONDS))), Some(now));
        self.floor.event(&name, CallEventType::Answered, Some(&agent));
    }

    fn miss(&mut self, at: usize) {
        let Some((name, agent)) = self.rings(at) else { return };
        self.floor.event(&name, CallEventType::Missed, Some(&agent));
        let call = &self.calls[at];
        // Whom it may ring only if free, it passes over while they talk or another call rings them.
        let may_ring = |(agent, stage): &(String, Stage)| {
            *stage == Stage::Busy || self.is_free(agent, at, &Guard { wrap_up: None, ..Guard::default() })
        };
        let next = (call.place + 1..call.targets.len()).find(|place| may_ring(&call.targets[*place]));
        let Some(place) = next else {
            self.floor.event(&name, CallEventType::Ended, None);
            self.calls.remove(at);
            return;
        };
        let agent = call.targets[place].0.clone();
        self.floor.event(&name, CallEventType::Offered, Some(&agent));
        let call = &mut self.calls[at];
        (call.place, call.held) = (place, Some((agent, later(self.floor.now, OFFER_SECONDS))));
    }

    fn hang_up(&mut self, at: usize) {
        let call = self.calls.remove(at);
        if let (Some((agent, _)), Some(since)) = (&call.held, call.talks_since) {
            let talk_seconds = self.floor.now.duration_since(since).as_secs_f64();
            self.last_talk[index(agent)] = Some((self.floor.now, talk_seconds));
        }
        self.floor.event(&call.name, CallEventType::Ended, None);
    }

    fn own_call(&mut self, agent: &str) {
        let (name, now) = (self.new_name(), self.floor.now);
        self.floor.event(&name, CallEventType::Answered, Some(agent));
        let held = Some((agent.to_owned(), later(now, TALK_SECONDS)));
        self.calls.push(PbxCall { name, group: 0, targets: Vec::new(), place: 0, held, talks_since: Some(now) });
    }
}

fn index(agent: &str) -> usize {
    AGENTS.iter().position(|known| *known == agent).unwrap()
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

fn any_guard() -> impl Strategy<Value = Guard> {
    let wrap_up = prop::option::of(Just(WRAP_UP));
    (1u32..=3, wrap_up).prop_map(|(concurrent_calls, wrap_up)| Guard { concurrent_calls, wrap_up, ..Guard::default() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// More than the invariant says: stage free lists exactly those on duty with room for another call, stage busy exactly the
    /// others on duty, whatever they do.
    #[test]
    fn each_stage_lists_exactly_those_it_may(
        guards in [any_guard(), any_guard()],
        acts in prop::collection::vec(any_act(), 1..80),
    ) {
        let mut pbx = Pbx::new(guards);
        for (act, seconds) in &acts {
            pbx.floor.pass(*seconds as f64);
            pbx.act(act);
        }
    }
}
