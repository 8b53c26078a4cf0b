//! The PBX's side of the demo: calls arrive by chance, ask the hook, ring whom the answer names in its order, talk, and
//! report every step as an event.
//!
//! Arrivals are open-loop: a slow service makes calls wait, it does not make fewer of them come. It decides nothing
//! about whom to ring, and tells what happened as [`Happening`]s.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::call_script::{CallScript, PickUp};
use super::company::Contact;
use super::hooks::{Answer, AnsweredTarget, Event, Hooks, Question};
use super::speed::Speed;
use super::workspace_text::RING_SECONDS;
use crate::broker::ports::Clock;
use crate::core::chance::SplitMix64;

/// Calls at the same time; a call beyond that hears the busy tone of the trunk.
const LINES: usize = 120;
/// Calls per hour of the demo's time for 35 people: about 70 % of their time is taken.
pub const CALLS_PER_HOUR: f64 = 240.0;

/// How the traffic is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrafficSettings {
    /// The same seed gives the same callers, pick-ups and talk times.
    pub seed: u64,
    /// How many times faster than real the demo's time passes.
    pub speed: Speed,
    /// Calls per hour of the demo's time.
    pub calls_per_hour: f64,
    /// How many calls there are; none means until stopped.
    pub calls: Option<u64>,
}

/// Something that happened in a call. All times are seconds of the demo's time, except `took`.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// The call's number, from 1.
    pub call: u64,
    /// When.
    pub at: Timestamp,
    /// The caller's number in E.164; none when withheld. Only to be shown masked.
    pub caller: Option<String>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The hook answered.
    Decided {
        /// As the answer says.
        reason: String,
        /// The customer's name, where a CRM knows the caller.
        customer: Option<String>,
        /// What the answer had to do without.
        degraded: Vec<String>,
        /// Agents to be rung.
        targets: usize,
        /// How long the hook took.
        took: Duration,
    },
    /// An agent's phone rings.
    Rang {
        /// Whose.
        target: AnsweredTarget,
        /// How many were rung before.
        before: usize,
    },
    /// It was picked up.
    Answered {
        /// Whose.
        target: AnsweredTarget,
        /// How many were rung before.
        before: usize,
        /// Seconds of ringing.
        after_seconds: f64,
    },
    /// It was not picked up.
    Missed {
        /// Whose.
        target: AnsweredTarget,
        /// Who is next.
        next: Option<AnsweredTarget>,
    },
    /// The phone was in use: not rung.
    Busy {
        /// Whose.
        target: AnsweredTarget,
    },
    /// The caller did not wait.
    HungUp {
        /// Whose phone rang.
        target: AnsweredTarget,
        /// Seconds the caller had waited.
        waited_seconds: f64,
    },
    /// The conversation is over.
    Ended {
        /// The agent's id.
        agent: String,
        /// Its length in seconds.
        talk_seconds: f64,
    },
    /// The call went to the backup number.
    Fallback {
        /// Whether anybody was to be rung at all.
        targets: usize,
        /// Where; none when the answer named no number.
        number: Option<String>,
    },
    /// All lines were in use when the call came.
    LinesBusy,
    /// A hook gave nothing.
    HookFailed {
        /// Whether it was the decision (then the call is lost to us) or an event.
        decision: bool,
        /// Why.
        error: String,
    },
}

/// Where the traffic goes, and by which clock.
pub struct Exchange {
    /// The service's hooks.
    pub hooks: Hooks,
    /// Customers the CRM knows.
    pub contacts: Vec<Contact>,
    /// For the times the PBX states.
    pub clock: Arc<dyn Clock>,
    /// Where happenings go.
    pub happenings: mpsc::Sender<Happening>,
}

/// Makes calls until all of `settings.calls` are over, or until `stop`. Calls in flight at a stop are dropped.
pub async fn run(settings: TrafficSettings, exchange: Exchange, stop: CancellationToken) {
    let exchange = Arc::new(exchange);
    let phones = Phones::default();
    let mut arrivals = SplitMix64::new(settings.seed);
    let mut calls = JoinSet::new();
    let work = async {
        for number in 1..=settings.calls.unwrap_or(u64::MAX) {
            let gap = arrivals.exponential(3600.0 / settings.calls_per_hour) / settings.speed.times();
            tokio::time::sleep(Duration::from_secs_f64(gap)).await;
            while calls.try_join_next().is_some() {}
            let script = CallScript::draw(settings.seed, number, &exchange.contacts);
            let call = Call { number, settings, script, exchange: Arc::clone(&exchange), phones: phones.clone() };
            if calls.len() < LINES {
                calls.spawn(call.live());
            } else {
                call.happens(What::LinesBusy).await;
            }
        }
        while calls.join_next().await.is_some() {}
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// Which phones are in use.
#[derive(Debug, Clone, Default)]
struct Phones(Arc<Mutex<HashSet<String>>>);

impl Phones {
    fn take(&self, agent: &str) -> Option<PhoneInUse> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.insert(agent.to_owned()).then(|| PhoneInUse { phones: self.clone(), agent: agent.to_owned() })
    }
}

/// A phone that rings or is talked on; hung up when dropped.
struct PhoneInUse {
    phones: Phones,
    agent: String,
}

impl Drop for PhoneInUse {
    fn drop(&mut self) {
        self.phones.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.agent);
    }
}

struct Call {
    number: u64,
    settings: TrafficSettings,
    script: CallScript,
    exchange: Arc<Exchange>,
    phones: Phones,
}

/// How ringing one phone ended.
enum Ring {
    Answered(PhoneInUse),
    Missed,
    Busy,
    HungUp,
}

impl Call {
    /// The call's whole life.
    async fn live(self) {
        let question = Question {
            call_id: self.id(),
            caller: self.script.caller.clone(),
            called: self.script.called.clone(),
            at: self.exchange.clock.now(),
        };
        let answer = match self.exchange.hooks.decide(&question).await {
            Ok((answer, took)) => {
                self.happens(decided(&answer, took)).await;
                answer
            }
            Err(error) => return self.happens(What::HookFailed { decision: true, error: error.to_string() }).await,
        };
        let mut story = Story { events: 0, rings: 0, waited_seconds: 0.0 };
        self.tell(&mut story, &[("started", None)]).await;
        for (place, target) in answer.targets.iter().enumerate() {
            match self.ring(&mut story, target).await {
                Ring::Answered(phone) => return self.talk(&mut story, target, phone).await,
                Ring::HungUp => return,
                Ring::Busy => {}
                Ring::Missed => {
                    let next = answer.targets.get(place + 1).cloned();
                    self.happens(What::Missed { target: target.clone(), next }).await;
                }
            }
        }
        let number = answer.fallback.map(|fallback| fallback.number);
        self.happens(What::Fallback { targets: answer.targets.len(), number }).await;
        self.tell(&mut story, &[("ended", None)]).await;
    }

    async fn ring(&self, story: &mut Story, target: &AnsweredTarget) -> Ring {
        let Some(phone) = self.phones.take(&target.agent) else {
            self.tell(story, &[("busy", Some(&target.agent))]).await;
            self.happens(What::Busy { target: target.clone() }).await;
            return Ring::Busy;
        };
        self.happens(What::Rang { target: target.clone(), before: story.rings }).await;
        self.tell(story, &[("offered", Some(&target.agent))]).await;
        // Ringing follows the answer's real seconds: the script's seconds are of a ring of the usual length.
        let pace = target.ring_seconds / RING_SECONDS;
        let picked = match self.script.pick_up(story.rings) {
            PickUp::After(seconds) => seconds,
            PickUp::Never => f64::INFINITY,
        };
        let patience = (self.script.patience_seconds - story.waited_seconds).max(0.0);
        let rang = picked.min(patience).min(RING_SECONDS);
        tokio::time::sleep(Duration::from_secs_f64((rang * pace).max(0.0))).await;
        story.waited_seconds += rang;
        let before = story.rings;
        story.rings += 1;
        if picked <= rang {
            self.happens(What::Answered { target: target.clone(), before, after_seconds: rang }).await;
            self.tell(story, &[("answered", Some(&target.agent))]).await;
            Ring::Answered(phone)
        } else if patience <= rang {
            drop(phone);
            self.happens(What::HungUp { target: target.clone(), waited_seconds: story.waited_seconds }).await;
            self.tell(story, &[("cancelled", Some(&target.agent)), ("ended", None)]).await;
            Ring::HungUp
        } else {
            drop(phone);
            self.tell(story, &[("missed", Some(&target.agent))]).await;
            Ring::Missed
        }
    }

    async fn talk(&self, story: &mut Story, target: &AnsweredTarget, phone: PhoneInUse) {
        let talk_seconds = self.script.talk_seconds;
        tokio::time::sleep(Duration::from_secs_f64(talk_seconds / self.settings.speed.times())).await;
        drop(phone);
        self.tell(story, &[("ended", None)]).await;
        self.happens(What::Ended { agent: target.agent.clone(), talk_seconds }).await;
    }

    async fn tell(&self, story: &mut Story, steps: &[(&'static str, Option<&str>)]) {
        let at = self.exchange.clock.now();
        let call_id = self.id();
        let event = |(event_type, agent): &(&'static str, Option<&str>)| {
            story.events += 1;
            let event_id = format!("{call_id}-{}", story.events);
            Event { event_id, call_id: call_id.clone(), event_type, agent: agent.map(str::to_owned), at }
        };
        let events: Vec<Event> = steps.iter().map(event).collect();
        if let Err(error) = self.exchange.hooks.tell(&events).await {
            self.happens(What::HookFailed { decision: false, error: error.to_string() }).await;
        }
    }

    async fn happens(&self, what: What) {
        let (call, at, caller) = (self.number, self.exchange.clock.now(), self.script.caller.clone());
        // Nobody listens any more when the demo is closing.
        let _ = self.exchange.happenings.send(Happening { call, at, caller, what }).await;
    }

    fn id(&self) -> String {
        format!("demo-{:x}-{}", self.settings.seed, self.number)
    }
}

/// How far a call is.
struct Story {
    /// Events told.
    events: u32,
    /// Phones rung.
    rings: usize,
    /// What of the caller's patience is used up.
    waited_seconds: f64,
}

fn decided(answer: &Answer, took: Duration) -> What {
    What::Decided {
        reason: answer.reason.clone(),
        customer: answer.caller.name.clone().filter(|_| answer.caller.known),
        degraded: answer.degraded.clone(),
        targets: answer.targets.len(),
        took,
    }
}
