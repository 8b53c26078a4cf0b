//! Starts background tasks: each keeps its span, reports a panic, and ends with the service.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// Starts tasks and waits for their end. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Starts a task that ends by itself. A panic in it is logged, never lost.
    #[expect(clippy::disallowed_methods, reason = "this is the supervised way to spawn")]
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let guarded = self.tracker.track_future(work.instrument(tracing::info_span!("task", name)));
        let handle = tokio::spawn(guarded);
        tokio::spawn(self.tracker.track_future(async move {
            if let Err(error) = handle.await
                && error.is_panic()
            {
                tracing::error!(task = name, "a background task panicked; what it did is done again when it is next due");
            }
        }));
    }

    /// Starts a task that runs until the service stops; it is dropped at its next await then.
    pub fn spawn_until_stop(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.spawn(name, async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Ends with the service.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// A group of tasks that can be stopped on its own, and stops with this one.
    pub fn child(&self) -> Self {
        Self { tracker: TaskTracker::new(), stop: self.stop.child_token() }
    }

    /// Stops the tasks that run until then, and waits for all to end.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
