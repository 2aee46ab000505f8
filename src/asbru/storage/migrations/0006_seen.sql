-- Sums of records by time, see src/asbru/records/rollups. `tier`: seconds that a row sums; `at`: Unix seconds at which
-- they begin. `latency` and `first_token`: histograms, packed.
--
-- A series is what is summed: with the view '' all calls; with a dimension's name the calls of one value of it; with
-- 'each' the calls of one combination of all dimensions. The other columns are '' where the view does not have them.
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
    UNIQUE (view, provider, model, caller, team, customer, surface, error)
);
CREATE TABLE rollups (
    tier INTEGER NOT NULL,
    series BIGINT NOT NULL,
    at BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost_nanousd BIGINT NOT NULL,
    latency BYTEA NOT NULL,
    first_token BYTEA NOT NULL,
    PRIMARY KEY (tier, series, at)
) WITHOUT ROWID;

-- What was written and is not yet in the sums: a row for each batch of records, deleted in the transaction that adds it.
CREATE TABLE rollup_pending (
    number BIGINT NOT NULL PRIMARY KEY,
    facts BYTEA NOT NULL
);

-- Bodies of calls, where they are recorded: see src/asbru/records/bodies. Compressed; `*_bytes`: their whole size.
CREATE TABLE bodies (
    id TEXT NOT NULL PRIMARY KEY,
    request BYTEA NOT NULL,
    request_bytes BIGINT NOT NULL,
    request_truncated INTEGER NOT NULL,
    response BYTEA NOT NULL,
    response_bytes BIGINT NOT NULL,
    response_truncated INTEGER NOT NULL,
    stored_bytes BIGINT NOT NULL
);
CREATE INDEX bodies_stored ON bodies (id, stored_bytes);
