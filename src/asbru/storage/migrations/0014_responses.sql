-- Responses that callers may go on from, see src/asbru/stored/responses. `previous`: the response that it goes on from,
-- '' for none; `input`, `output`: the items that the request and the response added, JSON arrays; `body`: the response
-- as its owner was told it, without its output.
CREATE TABLE responses (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    previous TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    input BYTEA NOT NULL,
    output BYTEA NOT NULL,
    body BYTEA NOT NULL
);
CREATE INDEX responses_expires ON responses (expires_ms);
CREATE INDEX responses_created ON responses (created_ms);
