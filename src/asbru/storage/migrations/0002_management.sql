-- What is configured over the management API, and who may. Times are Unix milliseconds.
--
-- BIGINT and BYTEA are PostgreSQL's words: SQLite keeps whole numbers and bytes as they are under either name.

-- Objects: documents by kind and id, see src/asbru/objects. `body`: JSON, in which secrets stand masked.
CREATE TABLE objects (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);

-- What an object's body names of others, so that nothing in use is deleted.
CREATE TABLE object_references (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    to_kind TEXT NOT NULL,
    to_id TEXT NOT NULL,
    PRIMARY KEY (kind, id, to_kind, to_id)
);
CREATE INDEX object_references_to ON object_references (to_kind, to_id);

-- Who changed what. `before` and `after`: the body, '' where there was none or is none.
CREATE TABLE changes (
    number BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL
);

-- The secrets of objects, sealed: see src/asbru/secrets. `field`: where in the body, such as 'keys.main.value'.
CREATE TABLE secrets (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    field TEXT NOT NULL,
    key_id TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (kind, id, field)
);
CREATE INDEX secrets_key_id ON secrets (key_id);

-- The values of virtual keys, as keyed hashes. `expires_ms`: the end of the grace period after a rotation, else 0.
CREATE TABLE key_values (
    digest TEXT NOT NULL PRIMARY KEY,
    key_id TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX key_values_key_id ON key_values (key_id);

-- The store's layer of the feed, see src/asbru/cluster: as it is, and the last changes that made it so.
CREATE TABLE feed_entries (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    payload BYTEA NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE TABLE feed_changes (
    version BIGINT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    payload BYTEA,
    PRIMARY KEY (version, kind, id)
);

-- Who may use the management API, see src/asbru/identity.
CREATE TABLE users (
    name TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    made_ms BIGINT NOT NULL
);
CREATE TABLE sessions (
    digest TEXT NOT NULL PRIMARY KEY,
    user_name TEXT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE TABLE api_tokens (
    name TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
