-- The highest version of a deleted object, user or role, by kind: see src/asbru/storage/versions. What was deleted before
-- this table had no more versions than it had changes.
CREATE TABLE deleted_versions (
    kind TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO deleted_versions (kind, version)
    SELECT kind, max(versions) FROM (
        SELECT kind, id, count(*) AS versions FROM changes WHERE action IN ('create', 'update') GROUP BY kind, id
    ) AS counted
    WHERE kind IN (SELECT kind FROM changes WHERE action = 'delete') GROUP BY kind;
