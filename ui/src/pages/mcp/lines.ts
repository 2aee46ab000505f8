// What each agent is told to reach this gateway's tools; the same as `asbru mcp connect` prints.

export interface Line {
  agent: string;
  line: string;
  /** The file that it belongs in; none for a command. */
  where?: string;
}

const ENV = "ASBRU_API_KEY";

/** `place`: a server or group, "" for all; `key`: "" to read it from the environment. */
export function lines(origin: string, place: string, key: string): Line[] {
  const name = place || "asbru";
  const url = `${origin}/mcp${place ? `/${place}` : ""}`;
  const shown = key || `$${ENV}`;
  const cursor = { mcpServers: { [name]: { url, headers: { Authorization: `Bearer ${key || `\${env:${ENV}}`}` } } } };
  return [
    { agent: "Claude Code", line: `claude mcp add --transport http ${name} ${url} --header "Authorization: Bearer ${shown}"` },
    { agent: "Codex", line: `${key ? `export ${ENV}=${key}; ` : ""}codex mcp add ${name} --url ${url} --bearer-token-env-var ${ENV}` },
    { agent: "Gemini CLI", line: `gemini mcp add --transport http ${name} ${url} --header "Authorization: Bearer ${shown}"` },
    { agent: "Cursor", line: JSON.stringify(cursor, null, 2), where: "~/.cursor/mcp.json" },
  ];
}
