//! What a person's day adds up to: the readings of the guard's indicators at any instant, and whether the guard has stopped the
//! person.
//!
//! Words used here. *Busy*: in a conversation, or in after-call time that no pause cut short. *Row*: conversations without a gap of 3
//! minutes in between. *Rest*: 10 minutes without being busy; a pause or time off duty of that length is one. *Shift*: it is over after
//! two hours off duty or four hours without a call, and what comes next is a new one; a shorter break in the presence is none, else
//! a minute off duty would take the day's talk back. A shift is 16 hours at most. *Occupancy*: busy time over time on duty in the last
//! 60 minutes, of which at least 30 count, so that the first call of a day does not stop anybody.
//!
//! All of it is a function of the activity and the instant, so that a restart and any order of events come to the same. Whether
//! somebody is stopped depends on the past (`guard::Stop`): it is looked at just before and when a conversation begins, when
//! busy time ends, when duty begins or ends, and now. In between readings only rise or only fall, so that no stop and no end of one
//! is missed. A clock set back makes what lies ahead of it not yet happen; a clock set forward looks like a gap.

use std::sync::OnceLock;

use super::activity::{Activity, Conversation, Told};
use super::guard::{Indicator, Limits, REST_MINUTES, ROW_GAP_MINUTES, Readings, Stop};
use crate::core::policy::{Guard, WrapUp};
use crate::core::record::PresenceState;

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
const OFF_DUTY_ENDS_SHIFT_US: i64 = 2 * HOUR_US;
const NO_CALLS_END_SHIFT_US: i64 = 4 * HOUR_US;
const SHIFT_MAX_US: i64 = 16 * HOUR_US;
const ON_DUTY_MIN_US: i64 = 30 * MINUTE_US;
#[expect(clippy::cast_possible_truncation, reason = "minutes")]
const ROW_GAP_US: i64 = ROW_GAP_MINUTES as i64 * MINUTE_US;
#[expect(clippy::cast_possible_truncation, reason = "minutes")]
const REST_US: i64 = REST_MINUTES as i64 * MINUTE_US;

/// Stretches of time that do not touch, in order, and how much of them lies before each.
#[derive(Debug, Clone, Default)]
struct Spans {
    spans: Vec<(i64, i64)>,
    before: Vec<i64>,
}

impl Spans {
    /// From stretches in the order of their beginning, which may overlap.
    fn of(stretches: impl Iterator<Item = (i64, i64)>) -> Self {
        let mut spans: Vec<(i64, i64)> = Vec::new();
        for (from, to) in stretches {
            match spans.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                Some(_) | None => spans.push((from, to)),
            }
        }
        let (mut before, mut sum) = (Vec::with_capacity(spans.len()), 0i64);
        for (from, to) in &spans {
            before.push(sum);
            sum = sum.saturating_add(to.saturating_sub(*from));
        }
        Self { spans, before }
    }

    /// The last one that began by then.
    fn begun(&self, at: i64) -> Option<(usize, (i64, i64))> {
        let place = self.spans.partition_point(|(from, _)| *from <= at).checked_sub(1)?;
        Some((place, *self.spans.get(place)?))
    }

    /// How much of them lies before an instant.
    fn until(&self, at: i64) -> i64 {
        let Some((place, (from, to))) = self.begun(at) else { return 0 };
        self.before.get(place).copied().unwrap_or(0).saturating_add(at.min(to) - from)
    }

    fn within(&self, from: i64, to: i64) -> i64 {
        self.until(to) - self.until(from)
    }
}

/// A person's day under one rule of after-call time, laid out to be read at any instant.
#[derive(Debug, Clone, Default)]
pub struct Workload {
    conversations: Vec<Conversation>,
    /// For each conversation: which one of its row it is, from 1.
    row: Vec<u32>,
    talk: Spans,
    busy: Spans,
    /// For each busy stretch: since when there has been no rest.
    unrested_since: Vec<i64>,
    off_duty: Spans,
    shifts: Vec<i64>,
}

impl Workload {
    /// Lays out an activity.
    pub fn of(activity: &Activity, wrap_up: Option<WrapUp>) -> Self {
        let last = activity.conversations().next_back().map_or(i64::MIN, |last| last.start_us);
        let from = last.saturating_sub(SHIFT_MAX_US);
        let conversations: Vec<Conversation> = activity.conversations().filter(|one| one.end_us >= from).copied().collect();
        let talked = conversations.iter().filter(|one| one.told != Told::Nothing);
        let talk = Spans::of(talked.map(|one| (one.start_us, one.end_us)));
        let away = activity.away(PresenceState::Paused);
        let off_duty = if away.is_empty() { Vec::new() } else { activity.away(PresenceState::OffDuty) };
        let busy = busy(&conversations, wrap_up, &away);
        let mut workload = Self { conversations, talk, busy, off_duty: Spans::of(off_duty.into_iter()), ..Self::default() };
        workload.count_rows();
        workload.find_shifts();
        workload
    }

    fn count_rows(&mut self) {
        let (mut unrested, mut rows) = (Vec::with_capacity(self.busy.spans.len()), Vec::with_capacity(self.conversations.len()));
        let (mut at, mut in_row, mut since, mut idle_from) = (0, 0u32, i64::MIN, i64::MIN);
        for (start, end) in &self.busy.spans {
            let gap = start.saturating_sub(idle_from);
            if gap >= ROW_GAP_US {
                in_row = 0;
            }
            if gap >= REST_US {
                since = *start;
            }
            unrested.push(since);
            while self.conversations.get(at).is_some_and(|one| one.start_us <= *end) {
                in_row += 1;
                rows.push(in_row);
                at += 1;
            }
            idle_from = *end;
        }
        (self.unrested_since, self.row) = (unrested, rows);
    }

    fn find_shifts(&mut self) {
        let nexts = self.busy.spans.iter().skip(1).map(|(from, _)| *from).chain([i64::MAX]);
        let gaps = self.busy.spans.iter().map(|(_, to)| *to).zip(nexts);
        let without_calls = gaps.filter(|(from, to)| to.saturating_sub(*from) >= NO_CALLS_END_SHIFT_US);
        let off_duty = self.off_duty.spans.iter().filter(|(from, to)| to.saturating_sub(*from) >= OFF_DUTY_ENDS_SHIFT_US);
        let mut shifts: Vec<i64> = without_calls.map(|(from, _)| from.saturating_add(NO_CALLS_END_SHIFT_US)).collect();
        shifts.extend(off_duty.map(|(from, _)| from.saturating_add(OFF_DUTY_ENDS_SHIFT_US)));
        shifts.sort_unstable();
        self.shifts = shifts;
    }

    /// What the indicators show at an instant, in microseconds since 1970.
    pub fn readings(&self, now_us: i64) -> Readings {
        let minutes = |us: i64| us as f64 / MINUTE_US as f64;
        let Some((place, (_, busy_until))) = self.busy.begun(now_us) else {
            return Readings { idle_minutes: f64::INFINITY, ..Readings::default() };
        };
        let begun = |by: i64| self.conversations.partition_point(|one| one.start_us <= by);
        let (hour_ago, begun_now) = (now_us.saturating_sub(HOUR_US), begun(now_us));
        let idle = now_us.saturating_sub(busy_until).max(0);
        let shift = self.shifts.iter().rev().find(|shift| **shift <= now_us).copied().unwrap_or(i64::MIN);
        let on_duty = (HOUR_US - self.off_duty.within(hour_ago, now_us)).max(ON_DUTY_MIN_US);
        let row = begun_now.checked_sub(1).and_then(|last| self.row.get(last)).copied().unwrap_or(0);
        let unrested = self.unrested_since.get(place).copied().unwrap_or(now_us);
        Readings {
            talk_minutes: minutes(self.talk.within(shift, now_us)),
            calls_per_hour: (begun_now - begun(hour_ago)) as f64,
            occupancy: self.busy.within(hour_ago, now_us) as f64 / on_duty as f64,
            calls_in_a_row: if idle >= ROW_GAP_US { 0.0 } else { f64::from(row) },
            // A look just before a conversation sees a microsecond less.
            minutes_since_rest: if idle >= REST_US - 1 { 0.0 } else { minutes(now_us.saturating_sub(unrested)) },
            idle_minutes: minutes(idle),
        }
    }

    /// Seconds busy in the last 60 minutes.
    pub fn busy_seconds(&self, now_us: i64) -> f64 {
        self.busy.within(now_us.saturating_sub(HOUR_US), now_us) as f64 / 1e6
    }

    /// When somebody must be looked at so that no stop and no end of one is missed.
    fn looks(&self) -> Vec<i64> {
        let starts = self.conversations.iter().flat_map(|one| [one.start_us - 1, one.start_us]);
        let ends = self.busy.spans.iter().map(|(_, to)| *to);
        let duty =
            self.off_duty.spans.iter().flat_map(|(from, to)| {
                [*from, from.saturating_add(HOUR_US), to.saturating_sub(1), *to, to.saturating_add(HOUR_US)]
            });
        let mut looks: Vec<i64> = starts.chain(ends).chain(duty).chain(self.shifts.iter().copied()).collect();
        looks.sort_unstable();
        looks.dedup();
        looks
    }
}

/// Conversations and the after-call time that no time away cut short.
fn busy(conversations: &[Conversation], wrap_up: Option<WrapUp>, away: &[(i64, i64)]) -> Spans {
    let mut stretches: Vec<(i64, i64)> = Vec::with_capacity(conversations.len());
    for one in conversations {
        stretches.push((one.start_us, one.end_us));
        let Some(rule) = wrap_up.filter(|_| one.told == Told::Ended) else { continue };
        #[expect(clippy::cast_possible_truncation, reason = "bounded by max_seconds, minutes in practice")]
        let micros = (rule.seconds((one.end_us - one.start_us) as f64 / 1e6) * 1e6) as i64;
        let (mut from, until) = (one.end_us, one.end_us.saturating_add(micros));
        for (gone, back) in away {
            if until <= *gone || *back <= from {
                continue;
            }
            if from < *gone {
                stretches.push((from, *gone));
            }
            from = *back;
        }
        if from < until {
            stretches.push((from, until));
        }
    }
    stretches.sort_unstable();
    Spans::of(stretches.into_iter())
}

/// What the guard says of one person at an instant; nothing is said of who is not eased.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eased {
    /// Times the weight; 0 is stopped.
    pub factor: f64,
    /// Why: the indicator with the smallest taper, or the one that keeps the person stopped.
    pub by: Indicator,
    /// What all indicators show.
    pub readings: Readings,
    /// Since when the person is stopped, in microseconds since 1970; now for who is not.
    pub since_us: i64,
}

/// Whether somebody was stopped at an instant, and since when.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    at_us: i64,
    stop: Stop,
    since_us: i64,
}

/// A person's day under one guard. Looked up at every decision: most of the time nothing can matter until some later instant unless
/// something happens first, and that is all there is to compare.
#[derive(Debug, Clone)]
pub struct Course {
    calm_from_us: i64,
    calm_until_us: i64,
    limits: Limits,
    workload: Workload,
    looks: OnceLock<Vec<Look>>,
}

impl Course {
    /// That of an activity.
    pub fn of(activity: &Activity, guard: &Guard) -> Self {
        let workload = Workload::of(activity, guard.wrap_up);
        let (calm_from_us, calm_until_us) = calm(activity, &workload, &guard.limits);
        Self { calm_from_us, calm_until_us, limits: guard.limits, workload, looks: OnceLock::new() }
    }

    /// What the guard says at an instant; none for who has the whole share.
    pub fn eased(&self, now_us: i64) -> Option<Eased> {
        if self.calm_from_us <= now_us && now_us < self.calm_until_us {
            return None;
        }
        let looks = self.looks.get_or_init(|| self.look_through());
        let before = looks.partition_point(|look| look.at_us <= now_us).checked_sub(1).and_then(|last| looks.get(last));
        let readings = self.workload.readings(now_us);
        let look = self.look(before.copied().unwrap_or_default(), now_us, &readings);
        let shown = readings.rounded();
        if let Some(by) = look.stop.by() {
            return Some(Eased { factor: 0.0, by, readings: shown, since_us: look.since_us });
        }
        let (factor, by) = self.limits.factor(&shown);
        by.map(|by| Eased { factor, by, readings: shown, since_us: now_us })
    }

    /// The day laid out.
    pub fn workload(&self) -> &Workload {
        &self.workload
    }

    fn look_through(&self) -> Vec<Look> {
        let mut last = Look::default();
        let mut looks = Vec::new();
        for at in self.workload.looks() {
            last = self.look(last, at, &self.workload.readings(at));
            looks.push(last);
        }
        looks
    }

    fn look(&self, before: Look, at_us: i64, readings: &Readings) -> Look {
        let mut look = Look { at_us, ..before };
        look.stop.look(&self.limits, readings);
        if let (None, Some(by)) = (before.stop.by(), look.stop.by()) {
            look.since_us = self.reached(by, at_us, readings).max(before.at_us);
        }
        look
    }

    /// When an indicator that is past its end now came there: those that run on with time are read between two looks.
    fn reached(&self, by: Indicator, at_us: i64, readings: &Readings) -> i64 {
        let Some(band) = self.limits.of(by) else { return at_us };
        let over = readings.of(by) - band.hi;
        let micros = match by {
            Indicator::TalkMinutes | Indicator::MinutesSinceRest => over * MINUTE_US as f64,
            Indicator::Occupancy => over * HOUR_US as f64,
            Indicator::CallsPerHour | Indicator::CallsInARow => 0.0,
        };
        #[expect(clippy::cast_possible_truncation, reason = "within a day")]
        let micros = micros as i64;
        at_us.saturating_sub(micros)
    }
}

/// From when until when nobody need look: from the last thing heard, until the first indicator could leave the beginning of its band
/// though nothing else is heard.
fn calm(activity: &Activity, workload: &Workload, limits: &Limits) -> (i64, i64) {
    let heard = workload.conversations.iter().map(|one| match one.told {
        Told::Ended => one.end_us,
        Told::Running | Told::Nothing => one.start_us,
    });
    let Some(from) = heard.max().max(activity.presence_heard_us()) else { return (i64::MIN, i64::MAX) };
    let Some((place, (_, busy_until))) = workload.busy.begun(from) else { return (from, i64::MAX) };
    let readings = workload.readings(from);
    let is_low = |indicator| limits.of(indicator).is_none_or(|band| readings.of(indicator) <= band.lo);
    if !Indicator::ALL.into_iter().all(is_low) || row_stopped(workload, limits, place) {
        return (from, from);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a band is at most a day")]
    let us = |minutes: f64| (minutes * MINUTE_US as f64) as i64;
    let runs = workload.conversations.iter().any(|one| one.told == Told::Running && one.end_us > from);
    let talk = limits.talk_minutes.filter(|_| runs).map(|band| us(band.lo - readings.talk_minutes));
    let hour_ago = from.saturating_sub(HOUR_US);
    let was_off = workload.off_duty.spans.last().is_some_and(|(_, to)| *to > hour_ago);
    let on_duty_us = if was_off { ON_DUTY_MIN_US } else { HOUR_US };
    let busy_us = workload.busy.within(hour_ago, from);
    let occupancy = limits.occupancy.map(|band| us(band.lo * on_duty_us as f64 / MINUTE_US as f64) - busy_us);
    let occupancy = occupancy.filter(|left| *left < busy_until.saturating_sub(from));
    let unrested = workload.unrested_since.get(place).copied().unwrap_or(from);
    let rest = limits.minutes_since_rest.map(|band| unrested.saturating_add(us(band.lo)) - from);
    let rest = rest.filter(|left| *left < busy_until.saturating_add(REST_US).saturating_sub(from));
    let left = [talk, occupancy, rest].into_iter().flatten().min();
    let until = left.map_or(i64::MAX, |left| from.saturating_add(left.max(0)));
    (from, until.min(activity.presence_ends_us(from).unwrap_or(i64::MAX)))
}

/// Whether a row since the last rest was long enough to stop: then only the next rest lets go, however short the row is now.
fn row_stopped(workload: &Workload, limits: &Limits, place: usize) -> bool {
    let (Some(band), Some(since)) = (limits.calls_in_a_row, workload.unrested_since.get(place)) else { return false };
    let rows = workload.conversations.iter().zip(&workload.row).rev().take_while(|(one, _)| one.start_us >= *since);
    rows.into_iter().any(|(_, row)| f64::from(*row) >= band.hi)
}
