-- How the targets of a call were chosen: src/asbru/records/row.py says what it contains.
ALTER TABLE requests ADD COLUMN route TEXT NOT NULL DEFAULT '';
