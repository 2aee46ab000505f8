-- Roles that are not built in, see src/asbru/identity/roles.py. `permissions`: separated by spaces; `scope`: JSON.
CREATE TABLE roles (
    name TEXT NOT NULL PRIMARY KEY,
    permissions TEXT NOT NULL,
    scope TEXT NOT NULL,
    changed_ms BIGINT NOT NULL
);

-- Who has created an object, as actors are named; '' for what is older than this column.
ALTER TABLE objects ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
CREATE INDEX objects_made_by ON objects (made_by, kind);
