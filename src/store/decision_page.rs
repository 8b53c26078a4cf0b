//! The stored form of decisions: some that follow each other in one workspace make a page.
//!
//! Decisions of one hour are much alike, and what is written at once is cheap: a page takes a tenth of the room and of the
//! time of as many rows. Laid out as: a byte with the version; then, compressed (LZ4 block with its length in front), the
//! length of the texts (4 bytes, little-endian), the texts (JSON; what all decisions repeat stands in it once), and behind them
//! for each decision in turn the credits of its groups (IEEE 754 doubles, little-endian, so that they come back exactly), how their
//! members stood (a byte each), and the reply. Knows no database.

mod read;
mod write;

pub(super) use read::{StoredDecision, read};
pub(super) use write::PageWriter;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::broker::store::StoreError;
use crate::core::agent::Number;
use crate::core::decision::Stage;
use crate::core::ids::AgentId;
use crate::core::record::MemberStanding;

/// The version this program writes. Since 2 a member can be stopped by the guard; since 3 what is empty is left out.
const VERSION: u8 = 3;

/// The most decisions in a page.
pub(super) const DECISIONS_MAX: usize = 256;

/// The longest time between receipts in a page: bounds where a decision of a known time is looked for.
pub(super) const SPAN_MAX_US: i64 = 60_000_000;

/// How the length of the texts is written.
const LENGTH_BYTES: usize = 4;

/// More than this is no page of ours: the length is read before anything else can be checked.
const UNPACKED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What the targets of a page repeat: written once.
#[derive(Serialize, Deserialize)]
struct Person {
    agent: AgentId,
    name: Arc<str>,
    numbers: Arc<[Number]>,
}

/// A target: place in the people, place in the group lists, stage, share, seconds to ring.
type TargetTexts = (u32, u32, Stage, f64, u32);

fn broken(why: &str) -> StoreError {
    StoreError::Corrupt(format!("a page of decisions cannot be read: {why}"))
}

/// How a member stood, in a byte.
fn letter(standing: MemberStanding) -> u8 {
    match standing {
        MemberStanding::Free => b'f',
        MemberStanding::Busy => b'b',
        MemberStanding::Reserved => b'r',
        MemberStanding::OffDuty => b'o',
        MemberStanding::Paused => b'p',
        MemberStanding::Stopped => b's',
        MemberStanding::NoShare => b'n',
        MemberStanding::OutsideHours => b'h',
        MemberStanding::PlannedBreak => b'k',
        MemberStanding::ShiftEnding => b'e',
    }
}

fn standing(letter: u8) -> Result<MemberStanding, StoreError> {
    match letter {
        b'f' => Ok(MemberStanding::Free),
        b'b' => Ok(MemberStanding::Busy),
        b'r' => Ok(MemberStanding::Reserved),
        b'o' => Ok(MemberStanding::OffDuty),
        b'p' => Ok(MemberStanding::Paused),
        b's' => Ok(MemberStanding::Stopped),
        b'n' => Ok(MemberStanding::NoShare),
        b'h' => Ok(MemberStanding::OutsideHours),
        b'k' => Ok(MemberStanding::PlannedBreak),
        b'e' => Ok(MemberStanding::ShiftEnding),
        _ => Err(broken("a member stands in no known way")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::core::decision::{CallerCard, Decision, Reason};
    use crate::core::distribution::choose::{Choice, RecordHead};
    use crate::core::ids::{CallKey, DecisionId};
    use crate::core::load::guard::Indicator;
    use crate::core::policy::Count;
    use crate::core::record::{AllStopped, DecisionRecord, EaseCause, EasedMember, Feed, GroupView, GuardView, Lambda, Spared};
    use crate::core::routing::route::{CallerStanding, Condition, Outcome, Passed};

    proptest! {
        /// A file can be damaged anywhere: a page says so, it never panics and never asks for absurd memory.
        #[test]
        fn damaged_pages_are_told(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), ours in any::<bool>()) {
            if let (true, Some(first)) = (ours, bytes.first_mut()) {
                *first = VERSION;
            }
            if let Err(fault) = read(&bytes) {
                prop_assert!(fault.to_string().contains("a page of decisions"), "{}", fault);
            }
        }

        #[test]
        fn damaged_contents_are_told(contents in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = vec![VERSION];
            bytes.extend_from_slice(&lz4_flex::compress_prepend_size(&contents));
            prop_assert!(read(&bytes).is_err());
        }
    }

    fn record(standing: MemberStanding, guard: GuardView) -> (DecisionRecord, Arc<Lambda>) {
        let (members, half) = (Arc::from(["anna".into()]), Arc::from([1.0]));
        let lambda = Arc::new(Lambda { members, base: Arc::clone(&half), published: half, values: [1.0].into() });
        let view = GroupView {
            group: "sales".into(),
            lambda: Arc::clone(&lambda),
            count: Count::Answered,
            unit: 1.0,
            in_seconds: false,
            credit: vec![0.25],
            standing: vec![standing],
            guard,
        };
        let head = RecordHead {
            sequence: 7,
            decision_id: DecisionId::from_u128(7),
            call: CallKey { connection: "pbx".into(), call: "c-7".into() },
            attempt: 1,
            received_at: Timestamp::UNIX_EPOCH,
            feed: Feed::Events,
        };
        let record = Choice { groups: vec![view], ..Choice::nobody(Reason::Fallback) }.into_record(head);
        (record, lambda)
    }

    fn written(record: &DecisionRecord) -> Vec<u8> {
        let mut writer = PageWriter::default();
        writer.add(record, &["l".into()]).unwrap();
        writer.finish().unwrap()
    }

    fn read_back(page: &[u8], lambda: &Arc<Lambda>) -> DecisionRecord {
        read(page).unwrap().remove(0).record(|_| Some(Arc::clone(lambda))).unwrap()
    }

    #[test]
    fn what_the_guard_did_is_read_back() {
        let cause = EaseCause { by: Indicator::Occupancy, readings: [300.0, 9.0, 0.91, 2.0, 45.0], spared: None };
        let eased = |factor: f64, own: f64, cause| EasedMember { member: 0, factor, own, cause };
        let held = EaseCause { spared: Some(Spared::TeamOverloaded), ..cause };
        let orders = [
            None,
            Some(AllStopped::Fallback),
            Some(AllStopped::Group("support".into())),
            Some(AllStopped::LeastOver("anna".into())),
            Some(AllStopped::Callback),
            Some(AllStopped::Nowhere),
        ];
        for all_stopped in orders {
            for eased in [eased(0.0, 1.0, Some(cause)), eased(0.6667, 0.5, Some(held)), eased(1.0, 1.25, None)] {
                let guard = GuardView { eased: vec![eased], all_stopped: all_stopped.clone() };
                let (record, lambda) = record(MemberStanding::Stopped, guard);
                assert_eq!(read_back(&written(&record), &lambda), record);
            }
        }
    }

    /// A page of before says nothing of a guard.
    #[test]
    fn a_page_of_an_older_program_is_read() {
        let (record, lambda) = record(MemberStanding::Free, GuardView::default());
        let mut page = written(&record);
        let texts = lz4_flex::decompress_size_prepended(page.get(1..).unwrap()).unwrap();
        assert!(!String::from_utf8_lossy(&texts).contains("guard"));
        *page.first_mut().unwrap() = 1;
        assert_eq!(read_back(&page, &lambda), record);
    }

    fn refused() -> DecisionRecord {
        let head = RecordHead {
            sequence: 1,
            decision_id: uuid::Uuid::from_u128(1),
            call: CallKey { connection: "pbx".into(), call: "c-1".into() },
            attempt: 1,
            received_at: Timestamp::UNIX_EPOCH,
            feed: Feed::Events,
        };
        let mut record = Choice::nobody(Reason::Fallback).into_record(head);
        record.asked.looked_up = true;
        record.asked.caller = Some("+79161234567".to_owned());
        record.decision.route = Some("main".into());
        record.decision.outcome = Some(Outcome::Branch { name: "night".into() });
        record.decision.passed = vec![Passed { route: "vips".into(), failed: Condition::List }];
        record.decision.caller.segments = vec!["lead".into()];
        record
    }

    fn read_one(page: &[u8]) -> DecisionRecord {
        read(page).unwrap().remove(0).record(|_| None).unwrap()
    }

    #[test]
    fn what_a_route_decided_is_read_back() {
        let mut writer = PageWriter::default();
        writer.add(&refused(), &[]).unwrap();
        assert_eq!(read_one(&writer.finish().unwrap()), refused());
    }

    /// Pages written before routes had outcomes and conditions: every route rang, and of the caller only that a CRM knew her is known.
    #[test]
    fn pages_from_before_outcomes_are_read() {
        let mut writer = PageWriter::default();
        writer.add(&refused(), &[]).unwrap();
        let page = writer.finish().unwrap();
        let unpacked = lz4_flex::decompress_size_prepended(&page[1..]).unwrap();
        let length = u32::from_le_bytes(unpacked[..LENGTH_BYTES].try_into().unwrap()) as usize;
        let (texts, rest) = unpacked[LENGTH_BYTES..].split_at(length);
        let mut texts: serde_json::Value = serde_json::from_slice(texts).unwrap();
        let decision = texts["decisions"][0].as_object_mut().unwrap();
        for (part, names) in [("", ["outcome", "passed"]), ("asked", ["looked_up", ""]), ("caller", ["segments", ""])] {
            let fields = if part.is_empty() { &mut *decision } else { decision[part].as_object_mut().unwrap() };
            for name in names.into_iter().filter(|name| !name.is_empty()) {
                assert!(fields.remove(name).is_some(), "{name} is written");
            }
        }
        let texts = texts.to_string();
        let old = [&u32::try_from(texts.len()).unwrap().to_le_bytes()[..], texts.as_bytes(), rest].concat();
        let record = read_one(&[&[VERSION][..], &lz4_flex::compress_prepend_size(&old)].concat());
        assert_eq!((record.decision.outcome_word(), record.decision.passed.len()), ("ring", 0));
        assert_eq!(record.standing(), CallerStanding::Unsure);
        let known = DecisionRecord {
            decision: Decision { caller: CallerCard { known: true, ..record.decision.caller }, ..record.decision },
            ..record
        };
        assert_eq!(known.standing(), CallerStanding::Known);
    }

    #[test]
    fn a_page_of_a_newer_program_says_what_to_do() {
        let fault = read(&[VERSION + 1, 0, 0, 0, 0]).err().unwrap();
        assert!(fault.to_string().contains("start the newer program"), "{fault}");
    }
}
