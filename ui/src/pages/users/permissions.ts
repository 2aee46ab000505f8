// Permissions as a matrix of nouns and verbs, and a role in words. It draws nothing.

export interface Noun {
  noun: string;
  words: string;
  verbs: readonly Verb[];
}

export type Verb = "read" | "write";

/** What people call the nouns of permissions; those that are not here go by their own name. */
const WORDS: Record<string, string> = {
  bodies: "Bodies of calls",
  cache: "Cache",
  changes: "Changes",
  customers: "Customers",
  fallbacks: "Fallbacks",
  guardrails: "Guardrails",
  keys: "Virtual keys",
  limits: "Limits of providers and models",
  mcp: "MCP servers: approvals and authorizations",
  "mcp-groups": "Groups of tools",
  "mcp-rules": "Rules on arguments of tools",
  "mcp-servers": "MCP servers",
  models: "Models",
  playground: "Playground",
  prices: "Prices",
  providers: "Providers and their keys",
  records: "Records",
  roles: "Roles",
  "routing-rules": "Routing rules",
  sample: "Sample traffic",
  settings: "Settings",
  spend: "Spend and usage",
  system: "System",
  teams: "Teams",
  tokens: "API tokens",
  users: "Users",
};

/** A permission as the API lists it. `scoped`: a role whose scope is not everything may contain it. */
export interface Permission {
  name: string;
  scoped: boolean;
}

/** The rows of the matrix: every noun that a permission names, by its words. */
export function nounsOf(permissions: readonly string[]): Noun[] {
  const found = new Map<string, Verb[]>();
  for (const one of permissions) {
    const [noun, verb] = one.split(":") as [string, Verb];
    found.set(noun, [...(found.get(noun) ?? []), verb]);
  }
  return [...found]
    .map(([noun, verbs]) => ({ noun, words: WORDS[noun] ?? noun, verbs: verbs.toSorted() }))
    .sort((a, b) => a.words.localeCompare(b.words));
}

/** With the permission or without; what may write may read as well, and what may not read may not write. */
export function withPermission(given: readonly string[], permission: string, on: boolean, known: readonly string[]): string[] {
  const [noun, verb] = permission.split(":") as [string, Verb];
  const next = new Set(given);
  if (on) {
    next.add(permission);
    if (verb === "write" && known.includes(`${noun}:read`)) next.add(`${noun}:read`);
  } else {
    next.delete(permission);
    if (verb === "read") next.delete(`${noun}:write`);
  }
  return [...next].sort();
}

/** "everything", "teams search, growth" or "the keys it has created". */
export function scopeWords(scope: { kind: string; teams?: readonly string[] }): string {
  if (scope.kind === "team") return `${scope.teams?.length === 1 ? "team" : "teams"} ${scope.teams?.join(", ")}`;
  return scope.kind === "own" ? "the keys that one has created" : "everything";
}

/** Theirs, with what I have added to and taken from what both of us began with. */
export function merged(before: readonly string[], theirs: readonly string[], mine: readonly string[]): string[] {
  const kept = theirs.filter((one) => mine.includes(one) || !before.includes(one));
  const added = mine.filter((one) => !before.includes(one));
  return [...new Set([...kept, ...added])].sort();
}
