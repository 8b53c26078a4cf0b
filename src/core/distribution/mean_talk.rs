//! The running mean of talk that one call counts as where credit is in seconds.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use super::credit_book::EntryKey;

/// Mean talk before anybody has talked, in seconds.
const START_SECONDS: f64 = 180.0;

/// How much one conversation moves the mean.
const STEP: f64 = 0.05;

/// So many conversations back the start value has faded below a millionth.
const CALLS: usize = 256;

/// Mean talk: each conversation moves it by a twentieth of the difference, in the order of their decisions. When talks
/// become known, or known anew, does not matter.
#[derive(Debug, Clone, Default)]
pub struct MeanTalk {
    talks: VecDeque<(EntryKey, f64)>,
    seconds: Option<f64>,
}

impl MeanTalk {
    /// The mean, in seconds.
    pub fn seconds(&self) -> f64 {
        self.seconds.unwrap_or(START_SECONDS)
    }

    /// The latest conversations, oldest first: when their calls were asked about (microseconds since 1970), and how long they
    /// were, in seconds. At most some hundred are kept.
    pub fn iter(&self) -> impl Iterator<Item = (i64, f64)> {
        self.talks.iter().map(|(key, seconds)| (key.at_us, *seconds))
    }

    /// Notes how long the agent of a call talked; none takes the note back.
    pub fn note(&mut self, key: EntryKey, seconds: Option<f64>) {
        // Nearly always one of the newest: looked for from the back.
        let after = self.talks.iter().rposition(|(known, _)| *known <= key).map_or(0, |place| place + 1);
        let before = after.checked_sub(1).and_then(|place| self.talks.get(place)).filter(|(known, _)| *known == key);
        let known = before.map(|(_, seconds)| *seconds);
        if known == seconds {
            return;
        }
        let place = if known.is_some() { after - 1 } else { after };
        if known.is_some() {
            self.talks.remove(place);
        }
        if let Some(seconds) = seconds {
            self.talks.insert(place, (key, seconds));
        }
        self.compute();
    }

    /// Takes back the notes of these calls.
    pub fn take(&mut self, keys: RangeInclusive<EntryKey>) {
        self.talks.retain(|(key, _)| !keys.contains(key));
        self.compute();
    }

    fn compute(&mut self) {
        while self.talks.len() > CALLS {
            self.talks.pop_front();
        }
        // Two steps that wait for each other, not three: it is computed for every conversation.
        self.seconds = Some(self.talks.iter().fold(START_SECONDS, |mean, (_, seconds)| mean * (1.0 - STEP) + STEP * seconds));
    }
}
