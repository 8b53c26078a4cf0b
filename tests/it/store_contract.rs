//! What every store promises, whatever it is made of: one suite, run against each.
//!
//! A new store gives a [`Place`] and one line with `contract!`. What only one kind of store can show has its own module.

mod decisions;
mod documents;
mod events;
mod question;
mod restart;
mod score_facts;
mod sqlite_only;

use std::sync::Arc;

use meritline::broker::ports::Boxed;
use meritline::broker::store::Store;
use meritline::store::sqlite::SqliteStore;

/// Where a store's data lies, so that a test can open it again.
pub(crate) trait Place: Send + Sync {
    /// Opens the data, or makes it.
    fn store(&self) -> Boxed<'_, Arc<dyn Store>>;
}

/// A SQLite file of its own.
pub(crate) struct File {
    folder: tempfile::TempDir,
}

impl File {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("meritline.db")
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    pub(crate) async fn sqlite(&self) -> Arc<SqliteStore> {
        SqliteStore::connect(&self.url()).await.unwrap()
    }
}

impl Place for File {
    fn store(&self) -> Boxed<'_, Arc<dyn Store>> {
        Box::pin(async move { self.sqlite().await as Arc<dyn Store> })
    }
}

macro_rules! contract {
    ($kind:ident, $place:expr, { $($module:ident::{$($name:ident),* $(,)?}),* $(,)? }) => {
        mod $kind {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$module::$name(&$place).await;
                }
            )*)*
        }
    };
}

contract!(sqlite, super::File::new(), {
    decisions::{
        a_repeated_question_gets_the_same_record,
        a_hundred_equal_questions_at_once_are_decided_once,
        a_thousand_calls_at_once_reserve_nobody_twice,
        a_decision_computed_for_another_state_is_not_committed,
        a_workspace_that_is_not_open_is_told,
        decisions_are_listed_newest_first_page_by_page,
        a_burst_of_decisions_comes_back_whole,
        a_call_id_used_again_after_a_day_is_a_new_call,
        decisions_of_a_span_come_oldest_first_with_what_was_under_test,
    },
    events::{
        one_answered_call_moves_credit_as_calculated_by_hand,
        a_call_nobody_answered_leaves_no_credit,
        shuffled_and_repeated_events_count_once,
        a_repeat_within_one_batch_is_a_duplicate,
        unknown_calls_and_agents_are_flagged,
        events_are_listed_newest_first_and_found_by_id,
        a_late_event_of_a_forgotten_call_counts_as_if_it_had_been_at_hand,
    },
    restart::{
        credits_presence_and_answers_survive,
        a_forgotten_call_is_answered_as_before,
        attempts_far_apart_fold_to_the_same_credits,
        a_reset_holds_after_a_restart,
        a_newer_version_of_the_workspace_keeps_credits,
    },
    score_facts::{
        calls_are_told_whole_whenever_something_is_told_of_them,
        a_call_id_used_again_a_day_later_is_told_as_another_call,
        many_calls_are_told_some_at_a_time,
        spans_off_duty_end_with_the_next_presence_or_by_themselves,
        a_pulled_deal_is_merged_with_what_was_known_of_it,
        kept_score_tables_are_the_newest_and_the_last_of_each_day,
        what_was_set_by_hand_is_found_by_its_id,
    },
    documents::{
        workspaces_are_applied_together_or_not_at_all,
        two_workspaces_with_equal_ids_inside_do_not_meet,
        a_full_pull_replaces_deals_and_changes_are_merged,
        a_deal_whose_row_cannot_be_read_or_is_missing_is_not_forgotten,
        scores_are_kept_per_policy,
        tokens_are_found_by_their_hash,
        what_was_set_by_hand_holds_at_once_after_a_restart_and_in_its_workspace_only,
        the_inbox_keeps_the_newest_thousand_for_fourteen_days,
        a_store_that_was_shut_down_says_so,
    },
});
