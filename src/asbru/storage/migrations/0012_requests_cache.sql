-- What the cache did for a call, see src/asbru/cache.
ALTER TABLE requests ADD COLUMN cache TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN cache_saved_nanousd INTEGER;
ALTER TABLE requests ADD COLUMN cache_saved_us INTEGER;
CREATE INDEX requests_cache ON requests (started_ms) WHERE cache <> '';
