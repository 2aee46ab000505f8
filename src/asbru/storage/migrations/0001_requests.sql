-- One row per call: src/asbru/records/row.py says what each column holds, and keeps this order.
--
-- Without rowid: one B-tree instead of two, as cheap to insert into as a plain table with a unique index, and smaller.
-- There is no index on time: an id begins with its call's milliseconds ('req_' and 11 hex digits), so a range of ids is
-- a range of time, and new rows go to the right edge of the tree.
CREATE TABLE requests (
    id TEXT NOT NULL PRIMARY KEY,
    started_ms INTEGER NOT NULL,
    surface TEXT NOT NULL,
    caller TEXT NOT NULL,
    provider TEXT NOT NULL,
    model_asked TEXT NOT NULL,
    model_served TEXT NOT NULL,
    key_name TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    attempt_log TEXT NOT NULL,
    status INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    error_code TEXT NOT NULL,
    error_message TEXT NOT NULL,
    input_tokens INTEGER,
    cache_read_tokens INTEGER,
    cache_write_5m_tokens INTEGER,
    cache_write_1h_tokens INTEGER,
    audio_input_tokens INTEGER,
    output_tokens INTEGER,
    reasoning_tokens INTEGER,
    audio_output_tokens INTEGER,
    reasoning_known INTEGER NOT NULL,
    usage_source TEXT NOT NULL,
    cost_nanousd INTEGER,
    latency_us INTEGER NOT NULL,
    first_token_us INTEGER,
    stream INTEGER NOT NULL,
    pass_through INTEGER NOT NULL,
    notes TEXT NOT NULL,
    request_bytes INTEGER NOT NULL,
    response_bytes INTEGER NOT NULL
) WITHOUT ROWID;
