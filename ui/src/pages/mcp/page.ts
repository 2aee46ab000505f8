import type { PageEntry } from "@/kit/page";

export const page: PageEntry = {
  path: "mcp",
  title: "MCP servers",
  group: "Platform",
  order: 0,
  icon: "system",
  needs: "mcp:read",
  words: "tools servers agents approve quarantine held oauth connect authorization resources prompts stdio",
  view: () => import("./view"),
};
