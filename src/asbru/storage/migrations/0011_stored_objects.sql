-- Files and batches that providers keep, see src/asbru/stored. `label`: a file's purpose; `body`: the object as its owner
-- saw it last; `counted`: whether what it used has been recorded.
CREATE TABLE stored_objects (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    provider TEXT NOT NULL,
    provider_key TEXT NOT NULL,
    label TEXT NOT NULL,
    status TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    counted INTEGER NOT NULL DEFAULT 0,
    body BYTEA NOT NULL
);
CREATE INDEX stored_objects_listed ON stored_objects (owner, kind, created_ms, id);
