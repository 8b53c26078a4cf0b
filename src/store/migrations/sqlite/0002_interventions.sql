-- What people set by hand while the service runs; see `core::intervention`.
CREATE TABLE interventions (
    position  INTEGER PRIMARY KEY,
    workspace TEXT    NOT NULL,
    id        BLOB    NOT NULL,
    kind      TEXT    NOT NULL,
    agent     TEXT,
    set_at_us INTEGER NOT NULL,
    body      TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX interventions_by_id ON interventions (workspace, id);
CREATE INDEX interventions_by_position ON interventions (workspace, position);

-- Typed shares at that time, like `published`; empty in rows of an older program.
ALTER TABLE lambdas ADD COLUMN base BLOB NOT NULL DEFAULT x'';
