//! One value for each agent of a scenario, found by the agent's position there.

use std::ops::{Index, IndexMut};

/// A list as long as the scenario's list of agents. Positions come from that list and nowhere else.
#[derive(Debug, Clone)]
pub(super) struct PerAgent<T>(Box<[T]>);

impl<T: Clone> PerAgent<T> {
    /// The same for everybody.
    pub(super) fn same(value: T, agents: usize) -> Self {
        Self(vec![value; agents].into())
    }
}

impl<T> PerAgent<T> {
    /// All of them, in order.
    pub(super) fn all(&self) -> &[T] {
        &self.0
    }

    /// All of them, in order.
    pub(super) fn all_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T> FromIterator<T> for PerAgent<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl<T> Index<usize> for PerAgent<T> {
    type Output = T;

    #[expect(clippy::indexing_slicing, reason = "made with a value for every position of the scenario's list")]
    fn index(&self, agent: usize) -> &T {
        &self.0[agent]
    }
}

impl<T> IndexMut<usize> for PerAgent<T> {
    #[expect(clippy::indexing_slicing, reason = "made with a value for every position of the scenario's list")]
    fn index_mut(&mut self, agent: usize) -> &mut T {
        &mut self.0[agent]
    }
}
