-- What MCP servers offered when it was first seen, or approved since, see src/asbru/app/tools/pins.py. `kind`: tool,
-- template or prompt; `definition`: the JSON object as the server gave it.
CREATE TABLE mcp_pins (
    server TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    definition BYTEA NOT NULL,
    pinned_ms BIGINT NOT NULL,
    PRIMARY KEY (server, kind, name)
);

-- Authorizations at MCP servers, see src/asbru/app/tools/oauth. The tokens are in `secrets`. `user_name`: the virtual key,
-- '' for the one that all share; `state`: authorized, or ended with a `reason`.
CREATE TABLE mcp_grants (
    server TEXT NOT NULL,
    user_name TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    authorization_server BYTEA NOT NULL,
    resource TEXT NOT NULL,
    scope TEXT NOT NULL,
    client_id TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (server, user_name)
);

-- Clients that Asbru is registered as. One of an issuer is never used at another.
CREATE TABLE mcp_clients (
    server TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    auth_method TEXT NOT NULL,
    PRIMARY KEY (server, issuer)
);
