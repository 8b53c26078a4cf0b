//! What will happen in one call, drawn before it begins: who calls, who picks up and when, how long they talk.
//!
//! Pure: the same seed and number give the same call, whatever the machine does meanwhile. All times are seconds of the
//! demo's time.

use super::company::{Contact, VIRTUAL_NUMBERS, unknown_caller};
use super::workspace_text::RING_SECONDS;
use crate::core::chance::SplitMix64;

/// Mean length of a conversation, in seconds.
pub const TALK_SECONDS_MEAN: f64 = 300.0;
/// Spread of the logarithm of its length: most talks are short, some very long.
const TALK_SIGMA: f64 = 0.8;
const TALK_SECONDS: (f64, f64) = (15.0, 1800.0);
/// How often a rung phone is not picked up.
pub const MISSED_RATE: f64 = 0.12;
/// Seconds of ringing after which a phone is picked up, if it is.
const PICK_UP_SECONDS: (f64, f64) = (2.0, 14.0);
/// How long callers wait for an answer: mean, spread of the logarithm, least.
const PATIENCE: (f64, f64, f64) = (75.0, 0.5, 12.0);
/// How often the CRM knows the caller.
const KNOWN_RATE: f64 = 0.2;
/// How often the caller's number is withheld.
const WITHHELD_RATE: f64 = 0.03;
/// More phones are never rung for one call.
const RINGS_MAX: usize = 16;

/// What one rung phone will do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PickUp {
    /// Is picked up after this many seconds.
    After(f64),
    /// Rings in vain.
    Never,
}

/// One call, drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct CallScript {
    /// The caller's number in E.164; none when withheld.
    pub caller: Option<String>,
    /// The number dialled.
    pub called: String,
    /// How long the caller waits for an answer, in seconds.
    pub patience_seconds: f64,
    /// What the first, second, ... phone rung for this call will do.
    pub pick_ups: Vec<PickUp>,
    /// How long they talk once somebody has answered, in seconds.
    pub talk_seconds: f64,
}

impl CallScript {
    /// Draws call number `number` of the traffic with this seed.
    pub fn draw(seed: u64, number: u64, contacts: &[Contact]) -> Self {
        let mut chance = SplitMix64::stream(seed, number);
        let called = chance.pick(&VIRTUAL_NUMBERS).copied().unwrap_or_default().to_owned();
        let caller = if chance.happens(WITHHELD_RATE) {
            None
        } else if chance.happens(KNOWN_RATE) {
            chance.pick(contacts).map(|contact| contact.phone.clone())
        } else {
            Some(unknown_caller(&mut chance))
        };
        let (mean, sigma, least) = PATIENCE;
        let patience_seconds = chance.log_normal(mean, sigma).max(least);
        let talk_seconds = chance.log_normal(TALK_SECONDS_MEAN, TALK_SIGMA).clamp(TALK_SECONDS.0, TALK_SECONDS.1);
        let pick_ups = (0..RINGS_MAX).map(|_| pick_up(&mut chance)).collect();
        Self { caller, called, patience_seconds, pick_ups, talk_seconds }
    }

    /// What the phone rung as number `ring` (from 0) does within `RING_SECONDS`.
    pub fn pick_up(&self, ring: usize) -> PickUp {
        self.pick_ups.get(ring).copied().unwrap_or(PickUp::Never)
    }
}

fn pick_up(chance: &mut SplitMix64) -> PickUp {
    if chance.happens(MISSED_RATE) {
        PickUp::Never
    } else {
        PickUp::After(chance.between(PICK_UP_SECONDS.0, PICK_UP_SECONDS.1.min(RING_SECONDS)))
    }
}
