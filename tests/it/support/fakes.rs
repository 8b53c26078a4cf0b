//! What the service is given in tests instead of the world: a clock that stands, ids that count, a CRM that knows callers
//! as told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use meritline::broker::ports::{Boxed, CallerDirectory, CallerRecord, Clock, IdSource, SourceError};
use meritline::core::phone_number::PhoneNumber;

/// A wall clock in the test's hands. Starts at 2026-11-23T06:00:00Z.
pub(crate) struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new("2026-11-23T06:00:00Z".parse().unwrap()))
    }

    pub(crate) fn pass(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids of UUID version 7 that count up from 1.
#[derive(Default)]
pub(crate) struct CountedIds(AtomicU64);

impl IdSource for CountedIds {
    fn next_id(&self, at: Timestamp) -> uuid::Uuid {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let millis = u64::try_from(at.as_millisecond()).unwrap();
        uuid::Builder::from_unix_timestamp_millis(millis, &u128::from(count).to_be_bytes()[6..].try_into().unwrap()).into_uuid()
    }
}

/// How the fake CRM behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mood {
    /// Answers at once.
    Answers,
    /// Answers after so many milliseconds.
    Slow(u64),
    /// Does not answer.
    Hangs,
    /// Answers an error.
    Errors,
}

/// A CRM that knows some callers.
pub(crate) struct FakeDirectory {
    mood: Mutex<Mood>,
    known: Mutex<HashMap<String, CallerRecord>>,
    questions: AtomicU64,
}

impl FakeDirectory {
    pub(crate) fn new() -> Self {
        Self { mood: Mutex::new(Mood::Answers), known: Mutex::default(), questions: AtomicU64::new(0) }
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Makes a caller known as a contact whose responsible manager is `user`.
    pub(crate) fn knows(&self, caller: &str, user: &str) {
        self.knows_in(caller, user, &[]);
    }

    /// The same, in these segments.
    pub(crate) fn knows_in(&self, caller: &str, user: &str, segments: &[&str]) {
        let record = CallerRecord {
            name: Some("Romashka".to_owned()),
            user: Some(user.into()),
            extension: None,
            url: Some("https://crm.example/contact/17".to_owned()),
            segments: segments.iter().map(|segment| (*segment).into()).collect(),
        };
        self.known.lock().unwrap().insert(caller.to_owned(), record);
    }

    /// How often it was asked.
    pub(crate) fn questions(&self) -> u64 {
        self.questions.load(Ordering::SeqCst)
    }
}

impl CallerDirectory for FakeDirectory {
    fn find<'a>(&'a self, caller: &'a PhoneNumber) -> Boxed<'a, Result<Option<CallerRecord>, SourceError>> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().unwrap();
        let word = self.known.lock().unwrap().get(caller.expose()).cloned();
        Box::pin(async move {
            match mood {
                Mood::Answers => Ok(word),
                Mood::Slow(millis) => {
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    Ok(word)
                }
                Mood::Hangs => std::future::pending().await,
                Mood::Errors => Err(SourceError::Failed("HTTP 500".to_owned())),
            }
        })
    }

    fn breaker_is_open(&self) -> bool {
        false
    }
}
