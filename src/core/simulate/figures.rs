//! What one run showed: plain counts and sums.

/// The figures of one run of one policy. Means over days are stored as sums with the number of days.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Days with at least one answered call.
    pub days: u32,
    /// Callers.
    pub offered: u64,
    /// Callers who were answered.
    pub answered: u64,
    /// Callers who hung up, or were still waiting when everybody went home.
    pub abandoned: u64,
    /// Callers who were not put through at once.
    pub waited: u64,
    /// Waits of the answered, in seconds.
    pub wait_seconds: f64,
    /// Answered within the goal.
    pub within_goal: u64,
    /// Money.
    pub revenue: f64,
    /// Contracts.
    pub contracts: u64,
    /// Calls taken by somebody whose share the standard guard would have more than halved.
    pub tired_calls: u64,
    /// Talk and after-call time while calls were taken, all agents, in seconds.
    pub busy_seconds: f64,
    /// Time on duty while calls were taken, all agents, in seconds.
    pub duty_seconds: f64,
    /// Gini coefficients of talk time, one a day, added up.
    pub gini: f64,
    /// Longest net talk of anybody, one a day, added up, in seconds.
    pub longest_talk_seconds: f64,
    /// Longest less shortest net talk, one a day, added up, in seconds.
    pub talk_spread_seconds: f64,
    /// Most less fewest calls, one a day, added up.
    pub calls_spread: f64,
    /// Largest |actual - expected share|, one a day, added up, in percentage points.
    pub share_error_points: f64,
    /// Lorenz curves of talk, one a day, added up: part of all talk held by the 0, 1, 2, ... who talked least.
    pub lorenz: Vec<f64>,
    /// By position of the agent.
    pub agents: Vec<AgentFigures>,
    /// By hour since the opening.
    pub hours: Vec<HourFigures>,
    /// For each absence that ends before closing.
    pub returns: Vec<ReturnFigures>,
    /// For each base share typed in during the day.
    pub changes: Vec<ChangeFigures>,
}

/// One agent's part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentFigures {
    /// Calls answered.
    pub calls: u64,
    /// Expected shares of all answered calls, added up: calls due.
    pub due: f64,
    /// Net talk, in seconds.
    pub talk_seconds: f64,
    /// Contracts.
    pub contracts: u64,
    /// Money.
    pub revenue: f64,
    /// Calls by hour since the opening.
    pub calls_by_hour: Vec<f64>,
    /// Calls due by hour since the opening.
    pub due_by_hour: Vec<f64>,
}

/// One hour of the day, all days together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HourFigures {
    /// Callers.
    pub offered: u64,
    /// Callers of this hour who were answered.
    pub answered: u64,
    /// Callers of this hour who were not.
    pub abandoned: u64,
    /// Waits of the answered, in seconds.
    pub wait_seconds: f64,
    /// Talk and after-call time, all agents, in seconds.
    pub busy_seconds: f64,
    /// Time on duty, all agents, in seconds.
    pub duty_seconds: f64,
}

/// What somebody got after coming back, all days together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ReturnFigures {
    /// Who, by position.
    pub agent: usize,
    /// When, in seconds since the opening.
    pub at_seconds: f64,
    /// Calls in the first 30 minutes.
    pub calls_30_minutes: f64,
    /// Calls due in the first 30 minutes.
    pub due_30_minutes: f64,
    /// Calls in the first 2 hours.
    pub calls_2_hours: f64,
    /// Calls due in the first 2 hours.
    pub due_2_hours: f64,
}

/// What somebody got after their base share was changed, all days together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ChangeFigures {
    /// Who, by position.
    pub agent: usize,
    /// When, in seconds since the opening.
    pub at_seconds: f64,
    /// How often 60 calls followed before the day was over.
    pub occasions: u64,
    /// Calls among those 60, added up.
    pub calls_of_60: u64,
    /// Most calls within any 11 in a row of them.
    pub most_of_11: u32,
}
