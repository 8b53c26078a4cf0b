//! A mean over independent runs and how sure it is: Student's t.

/// How sure an interval is to hold the true mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// 95 %.
    P95,
    /// 99 %.
    P99,
}

/// Two-sided quantiles of Student's t for 1 to 30 degrees of freedom, as printed in tables.
const T_95: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110,
    2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];
const T_99: [f64; 30] = [
    63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169, 3.106, 3.055, 3.012, 2.977, 2.947, 2.921, 2.898,
    2.878, 2.861, 2.845, 2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.750,
];

impl Confidence {
    /// The quantile for so many degrees of freedom; none for 0. Beyond 30 by the first terms of the Cornish-Fisher expansion.
    fn quantile(self, freedom: usize) -> Option<f64> {
        let (table, z) = match self {
            Self::P95 => (&T_95, 1.959_964_f64),
            Self::P99 => (&T_99, 2.575_829_f64),
        };
        let expanded = || {
            let (n, z3) = (freedom as f64, z.powi(3));
            z + (z3 + z) / (4.0 * n) + (5.0 * z.powi(5) + 16.0 * z3 + 3.0 * z) / (96.0 * n * n)
        };
        let at = freedom.checked_sub(1)?;
        Some(table.get(at).copied().unwrap_or_else(expanded))
    }
}

/// A mean with its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The mean of the runs.
    pub mean: f64,
    /// Half the width of the interval; none for a single run.
    pub half: Option<f64>,
}

impl Interval {
    /// Of independent values; none of none.
    pub fn of(values: &[f64], confidence: Confidence) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let half = confidence.quantile(count - 1).map(|quantile| quantile * (squares / (count - 1) as f64 / count as f64).sqrt());
        Some(Self { mean, half })
    }

    /// The lower end; the mean itself for a single run.
    pub fn low(&self) -> f64 {
        self.mean - self.half.unwrap_or(0.0)
    }

    /// The upper end; the mean itself for a single run.
    pub fn high(&self) -> f64 {
        self.mean + self.half.unwrap_or(0.0)
    }

    /// Whether a value lies inside.
    pub fn holds(&self, value: f64) -> bool {
        (self.low()..=self.high()).contains(&value)
    }
}
