//! How many requests run at once, by class: in the whole service, and of one workspace.
//!
//! A flood of one class cannot starve the others, and one workspace, whatever its PBX or CRM does, cannot take the places
//! of all. Nobody waits for a place: who finds none is answered at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// At most so many requests at once, by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlightMax {
    /// Decision hooks.
    pub decisions: usize,
    /// Requests of call events.
    pub events: usize,
    /// Requests of the API.
    pub api: usize,
}

impl InFlightMax {
    /// What one workspace may take of it: half, so that one that hangs or floods leaves the other half to the others.
    #[must_use]
    pub fn of_one_workspace(self) -> Self {
        let half = |most: usize| most.div_ceil(2);
        Self { decisions: half(self.decisions), events: half(self.events), api: half(self.api) }
    }
}

/// Places by class: of the service, or of one workspace.
#[derive(Debug)]
pub struct Permits {
    /// Decision hooks.
    pub decisions: Arc<Semaphore>,
    /// Requests of call events.
    pub events: Arc<Semaphore>,
    /// Requests of the API.
    pub api: Arc<Semaphore>,
}

impl Permits {
    /// So many places.
    pub fn new(most: InFlightMax) -> Self {
        let places = |most: usize| Arc::new(Semaphore::new(most));
        Self { decisions: places(most.decisions), events: places(most.events), api: places(most.api) }
    }
}

/// A request's places, given back when dropped.
#[derive(Debug)]
pub struct Places {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// A place among the workspace's own and one among all, or neither. The own comes first: a workspace that is over its own
/// takes none from the others, not even for a moment.
pub fn take(own: &Arc<Semaphore>, of_all: &Arc<Semaphore>) -> Option<Places> {
    let own = Arc::clone(own).try_acquire_owned().ok()?;
    let of_all = Arc::clone(of_all).try_acquire_owned().ok()?;
    Some(Places { _own: own, _of_all: of_all })
}
