//! The credit book of one group: what its members are owed.
//!
//! A member's credit is the sum over calls of (expected share + adjustment - charge), each fading with the period as its
//! half-life since the decision. The book keeps that sum up to date and can undo or repeat the part of any call, so events
//! may come in any order. It belongs to the group, whichever route or parent reached it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::mean_talk::MeanTalk;
use super::selection::Adjustment;
use crate::core::ids::MemberId;
use crate::core::record::{DecisionRecord, Lambda};

/// How many periods back a call still has a part in credit: after eight half-lives it weighs 0.4 %.
pub const PERIODS_REMEMBERED: i64 = 8;

/// At most this many calls are remembered one by one in a book; beyond it the oldest stay in the credit, but leave
/// `expected` and `received` early.
const ENTRIES_MAX: usize = 500_000;

/// Which part of which decision an entry is: when it was received (microseconds since 1970), its sequence in the
/// workspace, the position of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    /// Receipt of the decision, microseconds since 1970.
    pub at_us: i64,
    /// The decision's sequence.
    pub sequence: u64,
    /// Position among its targets.
    pub target: u32,
}

impl EntryKey {
    /// The part of a decision's first target.
    pub fn of_first_target(record: &DecisionRecord) -> Self {
        Self { at_us: record.decision.received_at.as_microsecond(), sequence: record.sequence, target: 0 }
    }
}

/// One call's part in a book: everybody's expected share, and who is charged.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// Expected shares of one call.
    pub lambda: Arc<Lambda>,
    /// Position of the charged member in `lambda.members`.
    pub member: u32,
    /// What the call weighs: 1, or its seconds of talk.
    pub units: f64,
}

/// What members were due and got over a span.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    /// Sum of expected shares, per member of the layout asked for.
    pub expected: Vec<f64>,
    /// Sum of charges, per member of the layout asked for.
    pub received: Vec<f64>,
}

/// What is left of a call's part in credit after some time: `2^(-(to - from) / period)`. All in microseconds.
pub fn fading(from_us: i64, to_us: i64, period_us: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "spans of days in microseconds fit 53 bits")]
    let periods = (to_us.saturating_sub(from_us)) as f64 / period_us as f64;
    if periods == 0.0 { 1.0 } else { (-periods).exp2() }
}

/// What the members of one group are owed.
#[derive(Debug, Clone)]
pub struct CreditBook {
    period_us: i64,
    reset_us: i64,
    slots: HashMap<MemberId, usize>,
    credit: Vec<f64>,
    last_given: Vec<u64>,
    as_of_us: i64,
    entries: BTreeMap<EntryKey, Contribution>,
    adjustments: BTreeMap<EntryKey, (Arc<Lambda>, Adjustment)>,
    talks: MeanTalk,
    latest_lambda: Option<Arc<Lambda>>,
    layout: Layout,
}

/// Where the members of a group stand in the book, looked up once for as long as the group stays as it is.
#[derive(Debug, Clone, Default)]
struct Layout {
    members: Option<Arc<[MemberId]>>,
    slots: Arc<[usize]>,
}

impl Layout {
    fn is_of(&self, members: &[MemberId]) -> bool {
        self.members.as_ref().is_some_and(|known| std::ptr::eq(&raw const **known, members))
    }
}

impl CreditBook {
    /// An empty book with this period (seconds).
    pub fn new(period_seconds: u32) -> Self {
        Self {
            period_us: i64::from(period_seconds) * 1_000_000,
            reset_us: i64::MIN,
            slots: HashMap::new(),
            credit: Vec::new(),
            last_given: Vec::new(),
            as_of_us: i64::MIN,
            entries: BTreeMap::new(),
            adjustments: BTreeMap::new(),
            talks: MeanTalk::default(),
            latest_lambda: None,
            layout: Layout::default(),
        }
    }

    /// Prepares for the members the group has now.
    pub fn set_members(&mut self, members: &Arc<[MemberId]>) {
        let slots = members.iter().map(|id| self.slot(id)).collect();
        self.layout = Layout { members: Some(Arc::clone(members)), slots };
    }

    /// The period, microseconds.
    pub fn period_us(&self) -> i64 {
        self.period_us
    }

    /// Mean talk of the group's answered calls, in seconds: each moves it by a twentieth of the difference, in the order
    /// of their decisions.
    pub fn mean_talk_seconds(&self) -> f64 {
        self.talks.seconds()
    }

    /// The group's latest conversations; see [`MeanTalk::iter`].
    pub fn talks(&self) -> impl Iterator<Item = (i64, f64)> {
        self.talks.iter()
    }

    /// Changes the period: the same calls, fading at another pace.
    pub fn set_period(&mut self, period_seconds: u32) {
        let period_us = i64::from(period_seconds) * 1_000_000;
        if period_us != self.period_us {
            self.period_us = period_us;
            self.recompute();
        }
    }

    /// Starts credit again at 0: decisions received before this instant no longer count.
    pub fn reset(&mut self, at_us: i64) {
        self.reset_us = self.reset_us.max(at_us);
        let from = EntryKey { at_us: self.reset_us, sequence: 0, target: 0 };
        self.entries = self.entries.split_off(&from);
        self.adjustments = self.adjustments.split_off(&from);
        self.recompute();
    }

    /// Adds a call's part. Repeating a part replaces it.
    pub fn put(&mut self, key: EntryKey, contribution: Contribution) {
        if key.at_us < self.reset_us {
            return;
        }
        self.advance(key.at_us);
        if let Some(old) = self.entries.remove(&key) {
            self.add(key, &old, -1.0);
        }
        self.add(key, &contribution, 1.0);
        self.entries.insert(key, contribution);
        if self.entries.len() > ENTRIES_MAX {
            self.entries.pop_first();
        }
    }

    /// Takes a call's part back.
    pub fn take(&mut self, key: EntryKey) {
        if let Some(old) = self.entries.remove(&key) {
            self.add(key, &old, -1.0);
        }
    }

    /// Notes that a decision gave a call to a member, whatever becomes of it, and how credits were adjusted then.
    pub fn given(&mut self, key: EntryKey, lambda: &Arc<Lambda>, member: u32, adjustment: &Adjustment) {
        self.advance(key.at_us);
        self.latest_lambda = Some(Arc::clone(lambda));
        if let Some(id) = lambda.members.get(member as usize) {
            let slot = self.slot(id);
            if let Some(last) = self.last_given.get_mut(slot) {
                *last = (*last).max(key.sequence);
            }
        }
        if key.at_us >= self.reset_us && *adjustment != Adjustment::default() && !self.adjustments.contains_key(&key) {
            self.adjust(key, lambda, adjustment, 1.0);
            self.adjustments.insert(key, (Arc::clone(lambda), adjustment.clone()));
        }
    }

    /// Takes back everything a decision's targets put here, whichever they are. Its adjustment stays: that is a fact.
    pub fn take_decision(&mut self, at_us: i64, sequence: u64) {
        let targets = EntryKey { at_us, sequence, target: 0 }..=EntryKey { at_us, sequence, target: u32::MAX };
        let entries: Vec<EntryKey> = self.entries.range(targets.clone()).map(|(key, _)| *key).collect();
        entries.into_iter().for_each(|key| self.take(key));
        self.talks.take(targets);
    }

    /// Notes how long the charged agent of a call talked; none takes the note back.
    pub fn talked(&mut self, key: EntryKey, seconds: Option<f64>) {
        self.talks.note(key, seconds);
    }

    /// Lets go of what is more than [`PERIODS_REMEMBERED`] periods old. Credits do not change by it: see [`CreditBook::credits`].
    pub fn forget_before(&mut self, now_us: i64) {
        let horizon = self.horizon(now_us);
        while let Some(entry) = self.entries.first_entry().filter(|entry| entry.key().at_us < horizon) {
            let (key, contribution) = entry.remove_entry();
            self.add(key, &contribution, -1.0);
        }
        while let Some(entry) = self.adjustments.first_entry().filter(|entry| entry.key().at_us < horizon) {
            let (key, (lambda, adjustment)) = entry.remove_entry();
            self.adjust(key, &lambda, &adjustment, -1.0);
        }
    }

    /// Credits of the given members at an instant; a member without a call is at 0. What is more than [`PERIODS_REMEMBERED`] periods
    /// old has no part in them, whether it was let go of already or not: so a restart, a replica and a replay see the same.
    pub fn credits(&self, members: &[MemberId], now_us: i64) -> Vec<f64> {
        let fade = if self.as_of_us == i64::MIN { 1.0 } else { self.fade(self.as_of_us, now_us.max(self.as_of_us)) };
        let mut credits = self.read(members, &self.credit);
        credits.iter_mut().for_each(|credit| *credit *= fade);
        let old = ..EntryKey { at_us: self.horizon(now_us), sequence: 0, target: 0 };
        for (key, part) in self.entries.range(old) {
            self.subtract((*key, part), members, now_us, &mut credits);
        }
        for (key, (lambda, adjustment)) in self.adjustments.range(old) {
            let fade = self.fade(key.at_us, now_us.max(self.as_of_us));
            for (position, id) in lambda.members.iter().enumerate() {
                if let Some(credit) = place_of(members, position, id).and_then(|place| credits.get_mut(place)) {
                    *credit -= adjusted_by(lambda, adjustment, position) * fade;
                }
            }
        }
        credits
    }

    /// When each member was last given a call: sequence numbers, 0 for never.
    pub fn last_given(&self, members: &[MemberId]) -> Vec<u64> {
        self.read(members, &self.last_given)
    }

    /// Takes a call's own part out of credits asked for the same members and instant.
    pub fn subtract_part(&self, key: EntryKey, members: &[MemberId], now_us: i64, credits: &mut [f64]) {
        if let Some(part) = self.entries.get(&key).filter(|_| key.at_us >= self.horizon(now_us)) {
            self.subtract((key, part), members, now_us, credits);
        }
    }

    fn subtract(&self, (key, part): (EntryKey, &Contribution), members: &[MemberId], now_us: i64, credits: &mut [f64]) {
        let units = part.units * self.fade(key.at_us, now_us.max(self.as_of_us));
        for (position, (id, share)) in part.lambda.members.iter().zip(&part.lambda.values).enumerate() {
            let charge = if position == part.member as usize { 1.0 } else { 0.0 };
            if let Some(credit) = place_of(members, position, id).and_then(|place| credits.get_mut(place)) {
                *credit -= units * (share - charge);
            }
        }
    }

    /// What was received before this has no part in credits at an instant.
    fn horizon(&self, now_us: i64) -> i64 {
        now_us.saturating_sub(self.period_us.saturating_mul(PERIODS_REMEMBERED))
    }

    /// The expected shares given here, shared with the last decision where nothing changed since.
    pub fn share_lambda(&self, lambda: Lambda) -> Arc<Lambda> {
        match &self.latest_lambda {
            Some(latest)
                if Arc::ptr_eq(&latest.members, &lambda.members)
                    && Arc::ptr_eq(&latest.published, &lambda.published)
                    && latest.base == lambda.base
                    && latest.values == lambda.values =>
            {
                Arc::clone(latest)
            }
            _ => Arc::new(lambda),
        }
    }

    /// What members were due and got in the period that ends at `now_us`.
    pub fn window(&self, members: &[MemberId], now_us: i64) -> Window {
        let position: HashMap<&MemberId, usize> = members.iter().zip(0..).collect();
        let mut window = Window { expected: vec![0.0; members.len()], received: vec![0.0; members.len()] };
        let from = EntryKey { at_us: now_us.saturating_sub(self.period_us), sequence: 0, target: 0 };
        for (_, entry) in self.entries.range(from..).filter(|(key, _)| key.at_us <= now_us) {
            for (at, (id, share)) in entry.lambda.members.iter().zip(&entry.lambda.values).enumerate() {
                let Some(slot) = position.get(id) else { continue };
                if let Some(expected) = window.expected.get_mut(*slot) {
                    *expected += share * entry.units;
                }
                if at == entry.member as usize
                    && let Some(received) = window.received.get_mut(*slot)
                {
                    *received += entry.units;
                }
            }
        }
        window
    }

    fn fade(&self, from_us: i64, to_us: i64) -> f64 {
        fading(from_us, to_us, self.period_us)
    }

    fn slot(&mut self, id: &MemberId) -> usize {
        if let Some(slot) = self.slots.get(id) {
            return *slot;
        }
        let slot = self.credit.len();
        self.slots.insert(id.clone(), slot);
        self.credit.push(0.0);
        self.last_given.push(0);
        slot
    }

    fn read<T: Copy + Default>(&self, members: &[MemberId], values: &[T]) -> Vec<T> {
        let at = |slot: &usize| values.get(*slot).copied().unwrap_or_default();
        if self.layout.is_of(members) {
            return self.layout.slots.iter().map(at).collect();
        }
        members.iter().map(|id| self.slots.get(id).map(at).unwrap_or_default()).collect()
    }

    fn slots_of(&mut self, members: &[MemberId]) -> Arc<[usize]> {
        if self.layout.is_of(members) {
            return Arc::clone(&self.layout.slots);
        }
        members.iter().map(|id| self.slot(id)).collect()
    }

    /// Fades all credits to a later instant.
    fn advance(&mut self, to_us: i64) {
        if to_us <= self.as_of_us {
            return;
        }
        if self.as_of_us != i64::MIN {
            let fade = self.fade(self.as_of_us, to_us);
            self.credit.iter_mut().for_each(|credit| *credit *= fade);
        }
        self.as_of_us = to_us;
    }

    fn add(&mut self, key: EntryKey, contribution: &Contribution, sign: f64) {
        let units = sign * contribution.units * self.fade(key.at_us, self.as_of_us);
        let slots = self.slots_of(&contribution.lambda.members);
        for (slot, share) in slots.iter().zip(&contribution.lambda.values) {
            if let Some(credit) = self.credit.get_mut(*slot) {
                *credit += units * share;
            }
        }
        let charged = slots.get(contribution.member as usize);
        if let Some(credit) = charged.and_then(|slot| self.credit.get_mut(*slot)) {
            *credit -= units;
        }
    }

    fn adjust(&mut self, key: EntryKey, lambda: &Lambda, adjustment: &Adjustment, sign: f64) {
        let fade = sign * self.fade(key.at_us, self.as_of_us);
        let slots = self.slots_of(&lambda.members);
        for (position, slot) in slots.iter().enumerate() {
            if let Some(credit) = self.credit.get_mut(*slot) {
                *credit += adjusted_by(lambda, adjustment, position) * fade;
            }
        }
    }

    fn recompute(&mut self) {
        self.credit.iter_mut().for_each(|credit| *credit = 0.0);
        for (key, contribution) in std::mem::take(&mut self.entries) {
            self.add(key, &contribution, 1.0);
            self.entries.insert(key, contribution);
        }
        for (key, (lambda, adjustment)) in std::mem::take(&mut self.adjustments) {
            self.adjust(key, &lambda, &adjustment, 1.0);
            self.adjustments.insert(key, (lambda, adjustment));
        }
    }
}

/// By how much an adjustment moves the credit of the member at a position.
fn adjusted_by(lambda: &Lambda, adjustment: &Adjustment, position: usize) -> f64 {
    let clamp: f64 = adjustment.clamps.iter().filter(|(at, _)| *at as usize == position).map(|(_, by)| by).sum();
    let is_in_rotation = lambda.values.get(position).is_some_and(|share| *share > 0.0);
    clamp + if is_in_rotation { adjustment.recentre } else { 0.0 }
}

/// Where a member stands among others: mostly at the same position.
fn place_of(members: &[MemberId], position: usize, id: &MemberId) -> Option<usize> {
    if members.get(position) == Some(id) { Some(position) } else { members.iter().position(|member| member == id) }
}
