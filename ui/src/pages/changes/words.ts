// What was done, in people's words, and where its object is shown.

export interface Change {
  number: number;
  at_ms: number;
  /** `user/ann`, `token/ci`, `setup`. */
  actor: string;
  action: string;
  kind: string;
  id: string;
  before: unknown;
  after: unknown;
}

const ACTIONS: Record<string, string> = { create: "created", update: "changed", delete: "deleted", rotate: "rotated", log_in: "logged in", log_out: "logged out", approve: "approved definitions of", connect: "began an authorization at", disconnect: "forgot an authorization at" };

export const KINDS: Record<string, string> = {
  key: "virtual key",
  team: "team",
  customer: "customer",
  limits: "limits",
  provider: "provider",
  price: "price",
  fallback: "fallback",
  routing_rule: "routing rule",
  setting: "setting",
  user: "user",
  token: "API token",
  role: "role",
  mcp_server: "MCP server",
};

export function actionWords(action: string): string {
  return ACTIONS[action] ?? action.replaceAll("_", " ");
}

export function kindWords(kind: string): string {
  return KINDS[kind] ?? kind.replaceAll("_", " ");
}

/** "ann", and how: by the UI or with a token. */
export function actorWords(actor: string): { name: string; by: string } {
  const [kind, ...rest] = actor.split("/");
  if (rest.length === 0) return { name: actor, by: "" };
  return { name: rest.join("/"), by: kind === "token" ? "API token" : "" };
}

/** The page that shows the object as it is now; null where there is none. */
export function placeOf({ kind, id, action }: Change): { to: string; search: Record<string, string> } | null {
  if (action === "delete") return null;
  switch (kind) {
    case "key":
      return { to: "/keys", search: { key: id } };
    case "team":
      return { to: "/teams", search: { team: id } };
    case "customer":
      return { to: "/teams", search: { tab: "customer", customer: id } };
    case "limits":
      return { to: "/limits", search: { scope: id.split("/")[0]!, limit: id } };
    case "provider":
      return { to: "/providers", search: { provider: id } };
    case "price":
      return { to: "/prices", search: { price: id } };
    case "routing_rule":
      return { to: "/rules", search: { rule: id } };
    case "fallback":
      return { to: "/fallbacks", search: { from: id } };
    case "mcp_server":
      return { to: "/mcp", search: { server: id } };
    case "setting":
      return { to: "/settings", search: { search: id } };
    case "user":
      return { to: "/users", search: {} };
    case "token":
      return { to: "/users", search: { tab: "tokens" } };
    case "role":
      return { to: "/users", search: { tab: "roles", role: id } };
    default:
      return null;
  }
}
