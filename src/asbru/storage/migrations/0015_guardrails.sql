-- What guardrail rules did in a call: src/asbru/records/row.py says what it contains.
ALTER TABLE requests ADD COLUMN guardrails TEXT NOT NULL DEFAULT '';
