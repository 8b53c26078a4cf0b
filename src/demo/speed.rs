//! How many times faster than real the demo's time passes.

use std::str::FromStr;

/// A factor from 0.1 to 2000; 1 is real time. Above about 100 phones, which ring for a whole second at least, set the pace.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Speed(f64);

/// A text is no speed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a speed: write how many times faster than real time passes, from 0.1 to 2000, for example 20")]
pub struct NotASpeed(String);

impl Speed {
    /// Talks of five minutes take 15 s: fast enough to watch, slow enough to read.
    pub const DEFAULT: Self = Self(20.0);

    /// How many times faster.
    pub fn times(self) -> f64 {
        self.0
    }
}

impl FromStr for Speed {
    type Err = NotASpeed;

    fn from_str(text: &str) -> Result<Self, NotASpeed> {
        match text.trim().trim_start_matches('×').parse::<f64>() {
            Ok(times) if (0.1..=2000.0).contains(&times) => Ok(Self(times)),
            Ok(_) | Err(_) => Err(NotASpeed(text.to_owned())),
        }
    }
}
