-- The trace that a call belongs to: src/asbru/records/row.py says where it comes from. The index holds the calls that have
-- one, so that the others cost nothing.
ALTER TABLE requests ADD COLUMN trace_id TEXT NOT NULL DEFAULT '';
CREATE INDEX requests_trace ON requests (trace_id) WHERE trace_id <> '';
