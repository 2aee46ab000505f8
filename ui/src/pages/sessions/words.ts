// Sessions in people's words. Pure.

const AGENTS: Record<string, string> = {
  "claude-cli": "Claude Code",
  codex_cli_rs: "Codex",
  codex_exec: "Codex",
  "codex-tui": "Codex",
  codex_vscode: "Codex (VS Code)",
  GeminiCLI: "Gemini CLI",
  QwenCode: "Qwen Code",
  opencode: "opencode",
};
const SHOWN_CHARS = 13;

/** "claude-cli" -> "Claude Code"; what is not known is shown as it calls itself. */
export function agentWords(agent: string): string {
  return (Object.hasOwn(AGENTS, agent) && AGENTS[agent]) || agent || "unknown program";
}

/** The beginning of a session's name, enough to tell it apart: names are mostly random digits. */
export function shortName(session: string): string {
  return session.length > SHOWN_CHARS + 3 ? `${session.slice(0, SHOWN_CHARS)}…` : session;
}

/** ["anthropic/claude-sonnet-4-5", "openai/gpt-4o"] -> "claude-sonnet-4-5 +1" */
export function modelWords(models: readonly string[]): string {
  const [first, ...others] = models;
  if (first === undefined) return "";
  const name = first.slice(first.indexOf("/") + 1);
  return others.length ? `${name} +${others.length}` : name;
}

/** Whose limit it is: "key/ci" -> "of the key ci", "key/ci/provider/openai" -> "of the key ci at openai". */
export function ownerWords(owner: string): string {
  const [kind, rest] = split(owner);
  const [name, at] = kind === "key" ? split(rest, "/provider/") : [rest, ""];
  return `of the ${kind} ${name}${at ? ` at ${at === "*" ? "any provider" : at}` : ""}`;
}

function split(text: string, by = "/"): [string, string] {
  const at = text.indexOf(by);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + by.length)];
}
