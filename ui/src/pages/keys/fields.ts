// The form of a virtual key: labels in people's words, in the order in which people think of them.

import { BUDGETS, RATE_LIMITS } from "@/kit/limit-fields";
import type { Field } from "@/kit/schema-form";

export function fields(teams: readonly string[], isNew: boolean): Field[] {
  return [
    { name: "name", label: "Name", readOnly: !isNew, help: isNew ? "Its name in records, metrics and logs. It cannot be changed." : undefined, placeholder: "search-prod" },
    { name: "team", label: "Team", options: teams, placeholder: "No team" },
    { name: "models", label: "Models", help: "Models it may call: provider/model, provider/*, or * for all.", placeholder: "openai/*" },
    BUDGETS,
    RATE_LIMITS,
  ];
}

export function moreFields(customers: readonly string[]): Field[] {
  return [
    { name: "active", label: "Active", help: "Off: calls with this key are refused." },
    { name: "customer", label: "Customer", options: customers, placeholder: "No customer" },
    { name: "blocked_models", label: "Blocked models" },
    {
      name: "providers",
      label: "Providers",
      begin: { provider: "*", models: ["*"] },
      inner: [
        { name: "provider", label: "Provider" },
        { name: "models", label: "Models" },
        { name: "weight", label: "Share", placeholder: "only if named" },
      ],
    },
    { name: "surfaces", label: "API surfaces", options: ["openai", "anthropic", "genai", "bedrock", "cohere", "mcp", "passthrough", "*"] },
    { name: "mcp", label: "Tools", help: "Tools of MCP servers it may use: server, server/tool, or a group.", placeholder: "docs/*" },
    { name: "offer_tools", label: "Offer its tools to models", help: "Off: its tools are only on /mcp, and not offered in requests to models." },
    { name: "auto_approve", label: "Call without asking", help: "Of these tools, those that Asbru may call by itself.", placeholder: "docs/search" },
    { name: "expires_at", label: "Expires", placeholder: "2027-01-31T00:00:00Z" },
    { name: "record_bodies", label: "Store bodies", help: "Also stores what callers and models say, for the records. Off by default." },
    { name: "cache", label: "Use the cache", help: "Where the cache of replies is on: its calls are served from it and kept in it." },
    { name: "tags", label: "Tags", help: "Written on its records.", placeholder: "env=prod" },
  ];
}
