-- The trace that a call belongs to: src/asbru/records/row.py says where it comes from. The index holds the calls that have
-- one, so that the others cost nothing.
ALTER TABLE requests ADD COLUMN trace_id TEXT NOT NULL DEFAULT '';
CREATE INDEX requests_trace ON requests (trace_id) WHERE trace_id <> '';

-- Series by provider and key besides the others, see src/asbru/records/rollups: the view 'key', which has `provider` and
-- `key_name`.
ALTER TABLE rollup_series RENAME TO rollup_series_before;
CREATE TABLE rollup_series (
    id BIGINT NOT NULL PRIMARY KEY,
    view TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    caller TEXT NOT NULL,
    team TEXT NOT NULL,
    customer TEXT NOT NULL,
    surface TEXT NOT NULL,
    error TEXT NOT NULL,
    key_name TEXT NOT NULL,
    UNIQUE (view, provider, model, caller, team, customer, surface, error, key_name)
);
INSERT INTO rollup_series
SELECT id, view, provider, model, caller, team, customer, surface, error, '' FROM rollup_series_before;
DROP TABLE rollup_series_before;

-- Records that are older than the sums by time are added to them, the newest first: those whose id is before `before_id`,
-- or, while that is '', those that began before `before_ms`. The row is deleted when all are. Sums by hour say when sums
-- began, where those of the first day are still kept; without any, all records that there are now are older.
CREATE TABLE rollup_backfill (
    before_ms BIGINT NOT NULL,
    before_id TEXT NOT NULL
);
INSERT INTO rollup_backfill
SELECT CASE WHEN days.at IS NULL THEN 0 WHEN hours.at < days.at + 86400 THEN hours.at * 1000 ELSE days.at * 1000 END,
    CASE WHEN days.at IS NULL THEN (SELECT MAX(id) FROM requests) || '~' ELSE '' END
FROM (SELECT MIN(at) AS at FROM rollups WHERE tier = 86400) AS days,
    (SELECT MIN(at) AS at FROM rollups WHERE tier = 3600) AS hours
WHERE EXISTS (SELECT 1 FROM requests) AND (days.at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM rollup_pending));
