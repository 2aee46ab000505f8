-- The ledger of limits: src/asbru/governance/ledger/port.py says what each table holds. Amounts are nano-dollars or
-- counts, times are milliseconds since 1970. A window that starts at 0 has no end: calls at once.
CREATE TABLE ledger_counts (
    limit_key TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    ends_ms BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    held BIGINT NOT NULL,
    PRIMARY KEY (limit_key, start_ms)
);
CREATE TABLE ledger_slices (
    holder TEXT NOT NULL,
    limit_key TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    held BIGINT NOT NULL,
    PRIMARY KEY (limit_key, start_ms, holder)
);
CREATE TABLE ledger_holders (
    holder TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    buried INTEGER NOT NULL,
    seen_ms BIGINT NOT NULL
);
