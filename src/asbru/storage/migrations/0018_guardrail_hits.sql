-- Calls that guardrail rules checked, by time, for what they did: the others cost nothing.
CREATE INDEX requests_guardrails ON requests (started_ms, guardrails) WHERE guardrails <> '';
