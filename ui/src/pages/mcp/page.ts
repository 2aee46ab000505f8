import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "mcp",
  title: "MCP servers",
  group: "Platform",
  order: 0,
  icon: "system",
  needs: "mcp:read",
  words: "tools servers agents approve quarantine held oauth connect authorization resources prompts stdio",
  finds: [
    { noun: "mcp-servers", one: "MCP server", open: (server) => ({ server }), create: { words: "Add an MCP server", search: { new: "1" } } },
    { noun: "mcp-groups", one: "group of tools", open: (group) => ({ tab: "groups", group }), create: { words: "Create a group of tools", search: { tab: "groups", new: "1" } } },
  ],
  view: () => import("./view"),
};
