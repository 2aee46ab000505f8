-- Who pays for a call, and what it is booked on: see src/asbru/records/row.py.
ALTER TABLE requests ADD COLUMN team TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN customer TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN tags TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN standard INTEGER NOT NULL DEFAULT 0;

-- Spend, added up by day while records are written: see src/asbru/records/spend.py. `day`: days since 1970, UTC.
CREATE TABLE spend (
    day INTEGER NOT NULL,
    caller TEXT NOT NULL,
    team TEXT NOT NULL,
    customer TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    tags TEXT NOT NULL,
    calls BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost_nanousd BIGINT NOT NULL,
    PRIMARY KEY (day, caller, team, customer, provider, model, tags)
);
