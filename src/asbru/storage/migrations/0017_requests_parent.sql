-- The call that made a call: src/asbru/records/row.py says where it comes from. The index holds the calls that have one, so
-- that the others cost nothing.
ALTER TABLE requests ADD COLUMN parent_id TEXT NOT NULL DEFAULT '';
CREATE INDEX requests_parent ON requests (parent_id) WHERE parent_id <> '';
