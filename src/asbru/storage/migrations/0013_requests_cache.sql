-- What the cache did for a call, see src/asbru/cache. The index holds the calls in which it had a part, and all that their
-- sums are made of.
ALTER TABLE requests ADD COLUMN cache TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN cache_saved_nanousd INTEGER;
ALTER TABLE requests ADD COLUMN cache_saved_us INTEGER;
CREATE INDEX requests_cache ON requests (started_ms, cache, cache_saved_nanousd, cache_saved_us) WHERE cache <> '';

-- Entries that workers share. `tags`: with a comma before, between and behind them; `body`: the entry as msgpack.
CREATE TABLE cache_entries (
    key TEXT NOT NULL PRIMARY KEY,
    tags TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    made_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    body BYTEA NOT NULL
);
CREATE INDEX cache_entries_made ON cache_entries (made_ms, size_bytes);
CREATE INDEX cache_entries_expire ON cache_entries (expires_ms);
