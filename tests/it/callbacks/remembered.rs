//! The calls of a day beside a plain list of them.

use jiff::{SignedDuration, Timestamp};
use meritline::core::distribution::recent_calls::{CALLS_PER_CALLER_MAX, RecentCall, RecentCalls};
use meritline::core::ids::CallKey;
use meritline::core::phone_number::PhoneNumber;
use proptest::prelude::*;

/// What happens: a call is told of (again), by one of few callers or by nobody known; or time passes.
#[derive(Debug, Clone)]
enum Step {
    Put { call: usize, caller: Option<u8> },
    Pass { hours: i64 },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0usize..80, prop::option::weighted(0.9, 0u8..4)).prop_map(|(call, caller)| Step::Put { call, caller }),
        1 => (0i64..20).prop_map(|hours| Step::Pass { hours }),
    ]
}

fn key(call: usize) -> CallKey {
    CallKey { connection: "pbx".into(), call: format!("c-{call}").into() }
}

fn number(caller: u8) -> PhoneNumber {
    PhoneNumber::parse(&format!("+7916000000{caller}"), "RU").unwrap()
}

fn told(caller: Option<u8>, asked_at: Timestamp, named_at: Timestamp) -> RecentCall {
    RecentCall {
        caller: caller.map(number),
        asked_at,
        named_at,
        route: None,
        group: None,
        promised: false,
        calls_back: None,
        manager: None,
        offered: None,
        talked: None,
        missed_at: None,
    }
}

/// A machine that calls all day: only its last calls are looked at when it calls again, the last one first.
#[test]
fn of_one_caller_only_the_last_calls_are_looked_at() {
    let (mut recent, mut now) = (RecentCalls::default(), "2026-11-23T06:00:00Z".parse::<Timestamp>().unwrap());
    let calls = 10 * CALLS_PER_CALLER_MAX;
    for call in 0..calls {
        now = now.checked_add(SignedDuration::from_secs(1)).unwrap();
        recent.put(&key(call), told(Some(0), now, now));
    }
    let looked_at: Vec<CallKey> = recent.of_caller(&number(0)).map(|(key, _)| key.clone()).collect();
    let last: Vec<CallKey> = (calls - CALLS_PER_CALLER_MAX..calls).rev().map(key).collect();
    assert_eq!(looked_at, last);
    assert_eq!(recent.iter().count(), calls, "all of them are remembered");
}

proptest! {
    #[test]
    fn calls_are_found_as_in_a_plain_list(steps in prop::collection::vec(any_step(), 0..200)) {
        let mut now: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
        let (mut recent, mut list) = (RecentCalls::default(), Vec::<(usize, Option<u8>, RecentCall)>::new());
        for step in steps {
            now = now.checked_add(SignedDuration::from_secs(1)).unwrap();
            match step {
                Step::Put { call, caller } => match list.iter_mut().find(|(known, ..)| *known == call) {
                    Some((_, first, known)) => {
                        // Who calls does not change while a call lasts; when it was named last does.
                        *known = told(*first, known.asked_at, now);
                        recent.put(&key(call), known.clone());
                    }
                    None => {
                        list.push((call, caller, told(caller, now, now)));
                        recent.put(&key(call), told(caller, now, now));
                    }
                },
                Step::Pass { hours } => {
                    now = now.checked_add(SignedDuration::from_hours(hours)).unwrap();
                    list.retain(|(.., call)| now.duration_since(call.asked_at) <= SignedDuration::from_hours(24));
                    recent.forget(now);
                }
            }
        }
        for call in 0..80 {
            let known = list.iter().find(|(known, ..)| *known == call).map(|(.., call)| call);
            prop_assert_eq!(recent.get(&key(call)), known);
        }
        for caller in 0..4 {
            let of_caller = list.iter().rev().filter(|(_, first, _)| *first == Some(caller)).take(CALLS_PER_CALLER_MAX);
            let expected: Vec<(CallKey, &RecentCall)> = of_caller.map(|(call, _, known)| (key(*call), known)).collect();
            let found: Vec<(CallKey, &RecentCall)> =
                recent.of_caller(&number(caller)).map(|(key, call)| (key.clone(), call)).collect();
            prop_assert_eq!(found, expected);
        }
        prop_assert!(recent.iter().map(|(key, _)| key.clone()).eq(list.iter().map(|(call, ..)| key(*call))));
    }
}
