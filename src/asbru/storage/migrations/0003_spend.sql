-- Who pays for a call, and what it is booked on: see src/asbru/records/row.py.
ALTER TABLE requests ADD COLUMN team TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN customer TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN tags TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN standard INTEGER NOT NULL DEFAULT 0;
