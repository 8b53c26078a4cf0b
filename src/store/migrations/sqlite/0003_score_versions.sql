-- Score tables that were taken, by policy; see `broker::store`.
CREATE TABLE score_versions (
    workspace   TEXT    NOT NULL,
    policy      TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    taken_at_us INTEGER NOT NULL,
    body        TEXT    NOT NULL,
    PRIMARY KEY (workspace, policy, version)
) STRICT, WITHOUT ROWID;
