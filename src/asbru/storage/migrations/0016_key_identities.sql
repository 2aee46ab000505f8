-- What tells a virtual key of the management API from one that has its name later, see src/asbru/admin/key_values.py. The
-- keys that there are when this table is made have no row: their name is their identity, so that what they own stays theirs.
CREATE TABLE key_identities (
    key_id TEXT NOT NULL PRIMARY KEY,
    identity TEXT NOT NULL
);
