-- Times are microseconds since 1970, UTC. Money and documents are text. Every row of a tenant names its workspace first.

CREATE TABLE workspaces (
    id            TEXT    NOT NULL PRIMARY KEY,
    revision      INTEGER NOT NULL,
    document      TEXT    NOT NULL,
    applied_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workspaces_revision (
    one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO workspaces_revision (one, revision) VALUES (1, 0);

CREATE TABLE book_resets (
    workspace TEXT    NOT NULL,
    group_id  TEXT    NOT NULL,
    at_us     INTEGER NOT NULL,
    PRIMARY KEY (workspace, group_id, at_us)
) STRICT, WITHOUT ROWID;

-- Expected shares, one row for all decisions made while neither shares nor rotation change. Numbers are IEEE 754 doubles,
-- little-endian, so that they come back exactly.
CREATE TABLE lambdas (
    workspace TEXT NOT NULL,
    key       TEXT NOT NULL,
    members   TEXT NOT NULL,
    published BLOB NOT NULL,
    shares    BLOB NOT NULL,
    PRIMARY KEY (workspace, key)
) STRICT, WITHOUT ROWID;

-- Decisions that follow each other, packed; see `store::decision_page`. Pages of a workspace never overlap.
CREATE TABLE decision_pages (
    position          INTEGER PRIMARY KEY,
    workspace         TEXT    NOT NULL,
    first_sequence    INTEGER NOT NULL,
    last_sequence     INTEGER NOT NULL,
    first_received_us INTEGER NOT NULL,
    last_received_us  INTEGER NOT NULL,
    body              BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX decision_pages_by_sequence ON decision_pages (workspace, first_sequence);
CREATE INDEX decision_pages_by_receipt ON decision_pages (workspace, last_received_us, first_sequence);

-- In which pages (by their first sequence) a call's decisions are.
CREATE TABLE decision_calls (
    workspace  TEXT    NOT NULL,
    call_id    TEXT    NOT NULL,
    connection TEXT    NOT NULL,
    page       INTEGER NOT NULL,
    PRIMARY KEY (workspace, call_id, connection, page)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    position       INTEGER PRIMARY KEY,
    workspace      TEXT    NOT NULL,
    connection     TEXT    NOT NULL,
    event_id       TEXT    NOT NULL,
    call_id        TEXT,
    agent          TEXT,
    type           TEXT    NOT NULL,
    at_us          INTEGER NOT NULL,
    received_at_us INTEGER NOT NULL,
    flags          INTEGER NOT NULL,
    body           TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_id ON events (workspace, connection, event_id);
CREATE INDEX events_by_call ON events (workspace, call_id, connection);
CREATE INDEX events_by_receipt ON events (workspace, received_at_us);
CREATE INDEX events_of_agents ON events (workspace, agent, at_us, event_id) WHERE type = 'agent_state';
CREATE INDEX events_by_position ON events (workspace, position);

CREATE TABLE presence (
    position  INTEGER PRIMARY KEY,
    workspace TEXT    NOT NULL,
    agent     TEXT    NOT NULL,
    set_at_us INTEGER NOT NULL,
    body      TEXT    NOT NULL
) STRICT;
CREATE INDEX presence_by_agent ON presence (workspace, agent, set_at_us);

CREATE TABLE inbox (
    position       INTEGER PRIMARY KEY,
    workspace      TEXT    NOT NULL,
    connection     TEXT    NOT NULL,
    received_at_us INTEGER NOT NULL,
    code           TEXT    NOT NULL,
    detail         TEXT    NOT NULL,
    body           TEXT    NOT NULL
) STRICT;
CREATE INDEX inbox_by_age ON inbox (workspace, received_at_us);
CREATE INDEX inbox_by_connection ON inbox (workspace, connection, position);

CREATE TABLE deals (
    workspace  TEXT NOT NULL,
    connection TEXT NOT NULL,
    deal       TEXT NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (workspace, connection, deal)
) STRICT, WITHOUT ROWID;

CREATE TABLE pulls (
    workspace  TEXT NOT NULL,
    connection TEXT NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (workspace, connection)
) STRICT, WITHOUT ROWID;

CREATE TABLE scores (
    workspace TEXT NOT NULL,
    policy    TEXT NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (workspace, policy)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    hash          BLOB    NOT NULL PRIMARY KEY,
    workspace     TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    agent         TEXT,
    created_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE writer_beat (
    one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    beat INTEGER NOT NULL
) STRICT;
INSERT INTO writer_beat (one, beat) VALUES (1, 0);
