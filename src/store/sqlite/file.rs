//! Opening the database file: what it must be, how it is set up, which version it has.
//!
//! Migrations only go forward and only add. The file's own header says whose it is (`application_id`) and which version it
//! has (`user_version`), so that a foreign or a newer file is refused before anything is changed in it.

use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool};

use crate::broker::store::StoreError;

use super::unavailable;

/// `MERL` in ASCII: written into the header of our files.
const APPLICATION_ID: i64 = 0x4d45_524c;

/// The file's versions, from 1.
const MIGRATIONS: [&str; 5] = [
    include_str!("../migrations/sqlite/0001_start.sql"),
    include_str!("../migrations/sqlite/0002_interventions.sql"),
    include_str!("../migrations/sqlite/0003_score_versions.sql"),
    include_str!("../migrations/sqlite/0004_words_by_receipt.sql"),
    include_str!("../migrations/sqlite/0005_vanished_deals.sql"),
];

/// How long a connection waits for a locked file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that read.
const READERS_MAX: u32 = 4;

/// How long somebody waits for a reading connection.
const READER_WAIT: Duration = Duration::from_secs(2);

/// How the writer opens the file.
pub(super) fn writer_options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|fault| StoreError::Unavailable(format!("`{url}` is not the address of a SQLite file: {fault}")))?;
    Ok(options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("secure_delete", "ON")
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging())
}

/// Opens the file for writing and brings it to this program's version.
pub(super) async fn open(options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let place = options.get_filename().display().to_string();
    let refused = |fault: &sqlx::Error| {
        let code = fault.as_database_error().and_then(|fault| fault.code()).and_then(|code| code.parse::<u32>().ok());
        // 26: SQLITE_NOTADB.
        if code.map(|code| code & 0xff) == Some(26) { not_ours(&place, "it is no SQLite database") } else { unavailable(fault) }
    };
    // The setting of WAL would write into a foreign file: look first, with a connection that changes nothing.
    if options.get_filename().exists() {
        let mut looking = untouched(options).connect().await.map_err(|fault| refused(&fault))?;
        check(&mut looking, &place, &refused).await?;
        looking.close().await.map_err(|fault| refused(&fault))?;
    }
    let mut connection = options.connect().await.map_err(|fault| refused(&fault))?;
    migrate(&mut connection).await.map_err(|fault| refused(&fault))?;
    Ok(connection)
}

/// Options that leave the file as it is.
fn untouched(options: &SqliteConnectOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(options.get_filename()).busy_timeout(BUSY_TIMEOUT).disable_statement_logging()
}

async fn check(
    connection: &mut SqliteConnection,
    place: &str,
    refused: &(dyn Fn(&sqlx::Error) -> StoreError + Sync),
) -> Result<(), StoreError> {
    let (application, version) = header(connection).await.map_err(|fault| refused(&fault))?;
    let tables: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema").fetch_one(connection).await.map_err(|fault| refused(&fault))?;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        return Err(not_ours(place, "it is the database of another program"));
    }
    if version > MIGRATIONS.len() {
        let text = format!(
            "`{place}` was written by a newer version of this program (file version {version}, this program knows up to {}): \
             start that version, or restore a copy made before the update",
            MIGRATIONS.len()
        );
        return Err(StoreError::Unavailable(text));
    }
    Ok(())
}

fn not_ours(place: &str, why: &str) -> StoreError {
    StoreError::Unavailable(format!("`{place}` cannot be used as the store: {why}; name another file in `database_url`"))
}

async fn header(connection: &mut SqliteConnection) -> Result<(i64, usize), sqlx::Error> {
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await?;
    Ok((application, usize::try_from(version).unwrap_or(usize::MAX)))
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    // Read under the lock: another process may have migrated meanwhile.
    let (_, version) = header(connection).await?;
    for (migration, number) in MIGRATIONS.iter().copied().zip(1_usize..).skip(version) {
        sqlx::raw_sql(migration).execute(&mut *connection).await?;
        let mark = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(mark)).execute(&mut *connection).await?;
    }
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

/// Connections that only read.
pub(super) fn readers(writer: &SqliteConnectOptions) -> SqlitePool {
    let options = untouched(writer).read_only(true);
    SqlitePoolOptions::new().max_connections(READERS_MAX).acquire_timeout(READER_WAIT).connect_lazy_with(options)
}
