//! Erlang's formulas: what a team of equal people, first come first served, must look like in the long run.
//!
//! Calls arrive by chance (Poisson), handling times are exponential, nobody gives up. They are the yardstick the simulator is held
//! against, and a first answer to "how many people do we need".
//!
//! ```text
//! A = calls per second * handling seconds                      offered load, Erlangs
//! B: b = 1; for k = 1..n: b = A b / (k + A b)                   refused where nobody may wait
//! C = n B / (n - A (1 - B)); 1 when A >= n                      must wait
//! mean wait = C * handling / (n - A)                            of all callers
//! within(t) = 1 - C e^(-(n - A) t / handling)                   answered within t seconds
//! ```

/// A team and its load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Team {
    /// Offered load: calls per second times handling seconds.
    pub erlangs: f64,
    /// How many people.
    pub agents: u32,
    /// Mean handling time (talk and after-call time), in seconds.
    pub handling_seconds: f64,
}

impl Team {
    /// Erlang B: the share of calls refused if nobody may wait.
    pub fn refused(&self) -> f64 {
        (1..=self.agents).fold(1.0, |b, k| self.erlangs * b / (f64::from(k) + self.erlangs * b))
    }

    /// Erlang C: the share of calls that have to wait.
    pub fn must_wait(&self) -> f64 {
        let agents = f64::from(self.agents);
        if self.erlangs >= agents {
            return 1.0;
        }
        let refused = self.refused();
        agents * refused / (agents - self.erlangs * (1.0 - refused))
    }

    /// Mean wait of all callers, in seconds; none when the queue grows without end.
    pub fn mean_wait_seconds(&self) -> Option<f64> {
        let spare = f64::from(self.agents) - self.erlangs;
        (spare > 0.0).then(|| self.must_wait() * self.handling_seconds / spare)
    }

    /// Share of calls answered within so many seconds; 0 when the queue grows without end.
    pub fn answered_within(&self, seconds: f64) -> f64 {
        let spare = f64::from(self.agents) - self.erlangs;
        if spare <= 0.0 {
            return 0.0;
        }
        1.0 - self.must_wait() * (-spare * seconds / self.handling_seconds).exp()
    }

    /// Part of their time people are busy, at most 1.
    pub fn occupancy(&self) -> f64 {
        (self.erlangs / f64::from(self.agents)).min(1.0)
    }
}
