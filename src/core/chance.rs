//! Chance that can be repeated: a seeded generator and a few distributions.
//!
//! The same seed gives the same draws on every machine, so a schedule can be stated and a run repeated. Not for anything that must
//! be hard to guess.

/// SplitMix64 (Steele, Lea, Flood 2014): one addition and a mix per number, any seed is good.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl SplitMix64 {
    /// A stream for `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The stream number `index` of a family: neighbours have nothing in common.
    pub fn stream(seed: u64, index: u64) -> Self {
        let mut family = Self(seed ^ index.wrapping_mul(0xd134_2543_de82_ef95));
        Self(family.next_u64())
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Puts a list into an order in which each order is as likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let place = self.next_u64() % (last as u64 + 1);
            list.swap(last, usize::try_from(place).unwrap_or(last));
        }
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// True with this probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of these, each as likely; none of none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let place = (self.unit() * of.len() as f64) as usize;
        of.get(place)
    }

    /// Exponential: the gap between arrivals of a Poisson process.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Log-normal with the mean of the value itself (not of its logarithm) and the spread of the logarithm.
    pub fn log_normal(&mut self, mean: f64, sigma: f64) -> f64 {
        LogNormal::of_sigma(mean, sigma).draw(self)
    }

    /// Standard normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// A log-normal distribution made ready for many draws: most values are small, some very large, as lengths of conversations and
/// amounts of contracts are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogNormal {
    mu: f64,
    sigma: f64,
}

impl LogNormal {
    /// By the mean of the value itself (not of its logarithm) and the standard deviation of the logarithm.
    pub fn of_sigma(mean: f64, sigma: f64) -> Self {
        Self { mu: mean.ln() - sigma * sigma / 2.0, sigma }
    }

    /// By the mean of the value and its coefficient of variation (standard deviation over mean): `sigma^2 = ln(1 + cv^2)`.
    pub fn of_cv(mean: f64, cv: f64) -> Self {
        Self::of_sigma(mean, (cv * cv).ln_1p().sqrt())
    }

    /// The next value.
    pub fn draw(&self, chance: &mut SplitMix64) -> f64 {
        (self.mu + self.sigma * chance.normal()).exp()
    }
}
