//! How sure a comparison of two means per call is: intervals, and how many calls are needed.
//!
//! Calls of one block (or of one day) resemble each other: the same people are on duty, the same campaign runs. Counting them as if
//! each were independent would make an interval too narrow and call noise a proof. So the block is the unit: the variance of a mean
//! is taken from how whole blocks deviate from it (the linearised ratio estimator, Cochran, Sampling Techniques, 1977, ch. 6).
//!
//! It knows nothing of calls, contracts or policies: numbers in, numbers out.

/// Calls per arm for a difference that a two-sided test at 5 % finds with a power of 80 %: `2 x (1.96 + 0.84)^2 = 15.7`.
const SAMPLE_FACTOR: f64 = 15.7;

/// The standard normal's 97.5 % point.
const NORMAL_975: f64 = 1.959_963_984_540_054;

/// With fewer clusters on a side its variance is not known.
const CLUSTERS_FOR_VARIANCE: usize = 3;

/// Calls that belong together, and what came of them in all.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cluster {
    /// How many calls.
    pub calls: f64,
    /// Contracts, or revenue.
    pub total: f64,
}

/// The mean per call of one side.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mean {
    /// Mean per call; 0 without calls.
    pub value: f64,
    /// Variance of `value`; none where it cannot be known.
    pub variance: Option<f64>,
    /// On how many clusters it rests.
    pub clusters: usize,
}

/// Bounds between which the truth lies in 95 of 100 cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// A figure with its 95 % interval; none where the sample gives none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Its interval.
    pub interval: Option<Interval>,
}

impl Mean {
    /// The mean per call over clusters; those without calls say nothing.
    pub fn of(clusters: &[Cluster]) -> Self {
        let with_calls = || clusters.iter().filter(|cluster| cluster.calls > 0.0);
        let count = with_calls().count();
        let calls: f64 = with_calls().map(|cluster| cluster.calls).sum();
        let total: f64 = with_calls().map(|cluster| cluster.total).sum();
        if count == 0 {
            return Self::default();
        }
        let value = total / calls;
        let squares: f64 = with_calls().map(|cluster| (cluster.total - value * cluster.calls).powi(2)).sum();
        let variance = (count >= CLUSTERS_FOR_VARIANCE).then(|| {
            let n = count as f64;
            n / (n - 1.0) * squares / (calls * calls)
        });
        Self { value, variance, clusters: count }
    }
}

/// `treatment - control`, with an interval by Welch's t (unequal variances, degrees of freedom by Satterthwaite).
pub fn difference(control: &Mean, treatment: &Mean) -> Estimate {
    let value = treatment.value - control.value;
    let interval = spread(control, treatment).map(|spread| {
        let half = spread.t * (spread.control + spread.treatment).sqrt();
        Interval { low: value - half, high: value + half }
    });
    Estimate { value, interval }
}

/// `treatment / control - 1`, with an interval by Fieller's theorem: it holds 0 exactly when that of the difference does. None
/// where the control is 0; no interval where the control's own interval reaches 0.
pub fn relative_uplift(control: &Mean, treatment: &Mean) -> Option<Estimate> {
    if control.value <= 0.0 {
        return None;
    }
    let value = treatment.value / control.value - 1.0;
    let interval = spread(control, treatment).and_then(|spread| {
        // The ratios that the data does not refute: (treatment - ratio x control)^2 <= t^2 x (its variance).
        let square = spread.t * spread.t;
        let a = control.value * control.value - square * spread.control;
        let b = treatment.value * control.value;
        let c = treatment.value * treatment.value - square * spread.treatment;
        let root = (b * b - a * c).max(0.0).sqrt();
        (a > 0.0).then(|| Interval { low: (b - root) / a - 1.0, high: (b + root) / a - 1.0 })
    });
    Some(Estimate { value, interval })
}

struct Spread {
    control: f64,
    treatment: f64,
    t: f64,
}

/// Both variances, and how many standard deviations 95 % are. None where a variance is not known, or nothing varies.
fn spread(control: &Mean, treatment: &Mean) -> Option<Spread> {
    let (of_control, of_treatment) = (control.variance?, treatment.variance?);
    let both = of_control + of_treatment;
    if both <= 0.0 {
        return None;
    }
    let part = |variance: f64, clusters: usize| variance * variance / (clusters as f64 - 1.0);
    let freedom = both * both / (part(of_control, control.clusters) + part(of_treatment, treatment.clusters));
    Some(Spread { control: of_control, treatment: of_treatment, t: student_975(freedom) })
}

/// The 97.5 % point of Student's t, by its expansion around the normal (Abramowitz and Stegun, 26.7.5); from 2 degrees of freedom
/// on it is right to 1 %.
pub fn student_975(freedom: f64) -> f64 {
    let z = NORMAL_975;
    let term = |coefficients: &[f64], scale: f64, power: i32| {
        // Odd powers of z, the highest first.
        let sum = coefficients.iter().fold(0.0, |sum, coefficient| sum * z * z + coefficient) * z;
        sum / (scale * freedom.powi(power))
    };
    z + term(&[1.0, 1.0], 4.0, 1)
        + term(&[5.0, 16.0, 3.0], 96.0, 2)
        + term(&[3.0, 19.0, 17.0, -15.0], 384.0, 3)
        + term(&[79.0, 776.0, 1482.0, -1920.0, -945.0], 92_160.0, 4)
}

/// Calls per arm that a relative change of `uplift` needs: `15.7 x CV^2 / uplift^2`, where CV^2 is the variance of one call's
/// outcome over its mean squared.
pub fn calls_needed(cv_squared: f64, uplift: f64) -> u64 {
    (SAMPLE_FACTOR * cv_squared / (uplift * uplift)).ceil() as u64
}

/// The smallest relative change that this many calls per arm would show: the same formula turned round.
pub fn smallest_uplift(cv_squared: f64, calls: f64) -> Option<f64> {
    (calls > 0.0).then(|| (SAMPLE_FACTOR * cv_squared / calls).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures of any table of Student's t. A quantile is used in no other way, so it is looked at here.
    #[test]
    fn student_follows_the_tables() {
        for (freedom, expected) in [(2.0, 4.303), (3.0, 3.182), (5.0, 2.571), (10.0, 2.228), (30.0, 2.042), (120.0, 1.980)] {
            let found = student_975(freedom);
            assert!((found / expected - 1.0).abs() < 0.01, "{freedom}: {found} is not {expected}");
        }
    }
}
