//! What only the embedded store can show: its file, and a disk that does not answer.

use std::sync::Arc;
use std::time::Duration;

use meritline::broker::store::{PageRequest, Store, StoreError};
use meritline::core::call::CallEventType::{Answered, Offered};
use meritline::core::ids::WorkspaceId;
use meritline::store::sqlite::SqliteStore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::File;
use super::question::{ask, at, event};
use crate::support::sample_workspace::SampleWorkspace;

async fn raw(file: &File) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file.path()).create_if_missing(true).connect().await.unwrap()
}

/// A second process that holds the file: for the writer a disk that does not answer.
async fn stall(file: &File) -> SqliteConnection {
    let mut holder = raw(file).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut holder).await.unwrap();
    holder
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..1500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never happened: {what}");
}

/// Surviving a killed process does not show this: only a full sync survives a power cut.
#[tokio::test]
async fn the_writer_syncs_fully_and_deletes_for_good() {
    let store = File::new();
    let store = store.sqlite().await;
    let settings = store.writer_settings().await.unwrap();
    assert_eq!(settings.synchronous, 2, "2 is FULL");
    assert_eq!(settings.journal_mode, "wal");
    assert_eq!(settings.secure_delete, 1);
    assert_eq!(settings.foreign_keys, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_disk_does_not_delay_decisions_and_is_told() {
    let file = File::new();
    let store = file.sqlite().await;
    store.open(SampleWorkspace::one_group("acme", &["anna", "boris"]).build(), at(0)).await.unwrap();
    ask(&*store, "acme", "before", at(0)).await;
    until("the first decision is on disk", async || store.log_is_current()).await;
    let holder = stall(&file).await;
    let started = Instant::now();
    for call in 0..100 {
        ask(&*store, "acme", &format!("c-{call}"), at(call)).await;
    }
    // Whoever waited for the disk would wait for seconds each time.
    assert!(started.elapsed() < Duration::from_secs(20), "100 decisions took {:?}", started.elapsed());
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(!store.log_is_current());
    assert!(matches!(store.ready().await, Err(StoreError::Unavailable(_))));
    holder.close().await.unwrap();
    until("the log is current again", async || store.log_is_current()).await;
    store.ready().await.unwrap();
    let page = PageRequest { limit: 500, ..PageRequest::default() };
    assert_eq!(store.decisions(&WorkspaceId::from("acme"), page).await.unwrap().items.len(), 101);
    assert_eq!(store.backlog().decisions_lost, 0);
}

/// A disk that stays away longer than the file may be locked: events are refused, decisions are written afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_long_stall_events_were_refused_and_decisions_kept() {
    let file = File::new();
    let store = file.sqlite().await;
    store.open(SampleWorkspace::one_group("acme", &["anna", "boris"]).build(), at(0)).await.unwrap();
    let holder = stall(&file).await;
    ask(&*store, "acme", "c-1", at(0)).await;
    let workspace = WorkspaceId::from("acme");
    let told = vec![event("e-1", "c-1", Answered, Some("anna"), at(1))];
    let refused = store.record_events(&workspace, told.clone()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    holder.close().await.unwrap();
    until("the decision is on disk", async || store.log_is_current()).await;
    assert_eq!(store.record_events(&workspace, told).await.unwrap().len(), 1, "the PBX sends it again");
    let page = PageRequest { limit: 10, ..PageRequest::default() };
    assert_eq!(store.decisions(&workspace, page).await.unwrap().items.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_is_bounded_and_what_was_accepted_is_stored() {
    let file = File::new();
    let store = file.sqlite().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    let holder = stall(&file).await;
    let mut telling = JoinSet::new();
    for number in 0..2000 {
        let store: Arc<SqliteStore> = Arc::clone(&store);
        telling.spawn(async move {
            let told = vec![event(&format!("e-{number}"), "c-1", Answered, Some("anna"), at(1))];
            store.record_events(&WorkspaceId::from("acme"), told).await
        });
    }
    tokio::time::sleep(Duration::from_millis(2500)).await;
    holder.close().await.unwrap();
    let results = telling.join_all().await;
    let accepted = results.iter().filter(|result| result.is_ok()).count();
    let refused = results.iter().filter(|result| matches!(result, Err(StoreError::Overloaded { .. }))).count();
    assert!(refused > 0, "2000 do not fit");
    assert_eq!(accepted + refused, 2000);
    let mut reading = raw(&file).await;
    let stored: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM events").fetch_one(&mut reading).await.unwrap();
    assert_eq!(usize::try_from(stored).unwrap(), accepted);
}

#[tokio::test]
async fn a_full_queue_of_decisions_is_counted_and_the_decisions_stand() {
    let file = File::new();
    let store = file.sqlite().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    let holder = stall(&file).await;
    // 8192 wait, and the writer holds at most 1024 that it could not write.
    for call in 0..9300 {
        ask(&*store, "acme", &format!("c-{call}"), at(call)).await;
    }
    assert!(store.backlog().decisions_lost > 0, "9300 do not fit");
    assert!(!store.log_is_current());
    let again = ask(&*store, "acme", "c-9299", at(9299)).await;
    assert_eq!(again.sequence, 9300);
    holder.close().await.unwrap();
}

#[tokio::test]
async fn a_decision_is_on_disk_soon_without_anybody_waiting_for_it() {
    let file = File::new();
    let store = file.sqlite().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    ask(&*store, "acme", "c-1", at(0)).await;
    let mut reading = raw(&file).await;
    let mut found = 0_i64;
    for _ in 0..200 {
        found = sqlx::query_scalar("SELECT COUNT(*) FROM decision_calls").fetch_one(&mut reading).await.unwrap();
        if found == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(found, 1);
}

/// A record that the file refuses must not take those written with it along.
#[tokio::test]
async fn a_decision_that_cannot_be_stored_is_lost_alone() {
    let file = File::new();
    let store = file.sqlite().await;
    store.open(SampleWorkspace::one_group("acme", &["anna", "boris"]).build(), at(0)).await.unwrap();
    let mut raw_file = raw(&file).await;
    let refusal = "CREATE TRIGGER refusal BEFORE INSERT ON decision_calls WHEN NEW.call_id = 'c-3' BEGIN
        SELECT RAISE(ABORT, 'refused'); END";
    sqlx::raw_sql(refusal).execute(&mut raw_file).await.unwrap();
    raw_file.close().await.unwrap();
    for call in 0..7 {
        ask(&*store, "acme", &format!("c-{call}"), at(call)).await;
    }
    let page = PageRequest { limit: 10, ..PageRequest::default() };
    let listed = store.decisions(&WorkspaceId::from("acme"), page).await.unwrap().items;
    let calls: Vec<&str> = listed.iter().map(|record| record.decision.call_id.as_str()).collect();
    assert_eq!(calls, ["c-6", "c-5", "c-4", "c-2", "c-1", "c-0"]);
    assert_eq!(store.backlog().decisions_lost, 1);
    assert!(store.log_is_current());
}

/// Whoever damages the file loses what was there, and nothing else: a company must not be kept from its calls.
#[tokio::test]
async fn decisions_that_cannot_be_read_are_passed_over() {
    let file = File::new();
    let workspace = SampleWorkspace::one_group("acme", &["anna", "boris"]).build();
    let store = file.sqlite().await;
    store.open(Arc::clone(&workspace), at(0)).await.unwrap();
    let mut made = Vec::new();
    for call in 0..3 {
        made.push(ask(&*store, "acme", &format!("c-{call}"), at(call * 100)).await);
        until("it is on disk", async || store.log_is_current()).await;
    }
    store.shut_down().await;
    for (damage, kept) in [("x'ff'", 2), ("x''", 2), ("substr(body, 1, length(body) / 2)", 1), ("x'01ffffffff00'", 1)] {
        let mut damaged = raw(&file).await;
        let which = 4 - kept;
        let text = format!("UPDATE decision_pages SET body = {damage} WHERE first_sequence = {which}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut damaged).await.unwrap();
        damaged.close().await.unwrap();
        let store = file.sqlite().await;
        store.open(Arc::clone(&workspace), at(400)).await.unwrap();
        let page = PageRequest { limit: 10, ..PageRequest::default() };
        assert_eq!(store.decisions(&WorkspaceId::from("acme"), page).await.unwrap().items.len(), kept, "{damage}");
        assert_eq!(ask(&*store, "acme", "c-0", at(400)).await, made[0], "{damage}: the others count");
        store.shut_down().await;
    }
}

async fn refusal(file: &File) -> String {
    match SqliteStore::connect(&file.url()).await {
        Ok(_) => panic!("the file was accepted"),
        Err(fault) => fault.to_string(),
    }
}

#[tokio::test]
async fn foreign_and_newer_files_are_refused_and_left_alone() {
    let newer = File::new();
    newer.sqlite().await.shut_down().await;
    let mut raw_newer = raw(&newer).await;
    sqlx::raw_sql("PRAGMA user_version = 4711").execute(&mut raw_newer).await.unwrap();
    raw_newer.close().await.unwrap();
    assert!(refusal(&newer).await.contains("newer version"), "{}", refusal(&newer).await);

    let text = File::new();
    let words = "this is a letter, not a database; ".repeat(200);
    std::fs::write(text.path(), &words).unwrap();
    assert!(refusal(&text).await.contains("no SQLite database"), "{}", refusal(&text).await);
    assert_eq!(std::fs::read_to_string(text.path()).unwrap(), words);

    let foreign = File::new();
    let mut raw_foreign = raw(&foreign).await;
    sqlx::raw_sql("CREATE TABLE recipes (name TEXT)").execute(&mut raw_foreign).await.unwrap();
    raw_foreign.close().await.unwrap();
    let before = std::fs::read(foreign.path()).unwrap();
    assert!(refusal(&foreign).await.contains("another program"), "{}", refusal(&foreign).await);
    assert_eq!(std::fs::read(foreign.path()).unwrap(), before);
}

/// While the disk stands still twelve requests of a thousand events each come to wait. They are not written all at once: whoever
/// asks next would wait for every one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_transaction_takes_a_bounded_number_of_events() {
    let file = File::new();
    let store = file.sqlite().await;
    store.open(SampleWorkspace::one_group("acme", &["anna"]).build(), at(0)).await.unwrap();
    let holder = stall(&file).await;
    let workspace = WorkspaceId::from("acme");
    let request =
        |number: usize| (0..1000).map(|n| event(&format!("e-{number}-{n}"), "c-1", Offered, Some("anna"), at(0))).collect();
    let mut waiting: Vec<_> = (0..12).map(|number| store.record_events(&workspace, request(number))).collect();
    for told in &mut waiting {
        let handed_over = std::future::poll_fn(|context| std::task::Poll::Ready(told.as_mut().poll(context))).await;
        assert!(handed_over.is_pending());
    }
    holder.close().await.unwrap();
    for told in waiting {
        assert_eq!(told.await.unwrap().len(), 1000);
    }
    // The bound of 4096, and what the request that passed it brought along.
    assert!((1000..4096 + 1000).contains(&store.most_events_at_once()), "{}", store.most_events_at_once());
}
