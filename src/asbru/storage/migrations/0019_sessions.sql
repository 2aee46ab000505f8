-- The session of an agent that a call belongs to, and the agent: src/asbru/records/row.py says where they come from. The
-- index holds the calls that have a session, so that the others cost nothing.
ALTER TABLE requests ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN agent TEXT NOT NULL DEFAULT '';
CREATE INDEX requests_session ON requests (session) WHERE session <> '';

-- Sessions of agents with the sums of their calls, see src/asbru/records/sessions. `models`: each between two line ends.
CREATE TABLE agent_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    caller TEXT NOT NULL,
    team TEXT NOT NULL,
    session TEXT NOT NULL,
    customer TEXT NOT NULL,
    agent TEXT NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    tool_calls BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost_nanousd BIGINT NOT NULL,
    models TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX agent_sessions_last ON agent_sessions (last_ms);
