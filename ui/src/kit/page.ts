// What a folder of pages/ says of itself in its page.ts. The shell finds every folder; there is no list to add to.

import type { ComponentType } from "react";
import type { IconName } from "./icons";

export const GROUPS = ["Observe", "Models", "Govern", "Platform"] as const;
export type Group = (typeof GROUPS)[number];

/** Objects that the palette finds by name and offers to create. */
export interface Findable {
  /** Of the API: `mcp-servers`. */
  noun: string;
  /** What one of them is called: "MCP server". */
  one: string;
  /** What the address of the page says to open one. */
  open: (id: string) => Record<string, string>;
  /** Whether its list always comes whole: it takes no text to search for. */
  whole?: true;
  /** Likewise, to open the form of a new one. */
  create?: { words: string; search: Record<string, string> };
}

export interface PageEntry {
  /** Below /ui, without a slash at either end. */
  path: string;
  title: string;
  /** Where the rail shows it; without one it is reached by links only. */
  group?: Group;
  /** Within its group. */
  order: number;
  icon: IconName;
  /** A permission without which it is hidden: `keys:read`. */
  needs: string;
  /** The second key of its shortcut, after `g`. */
  key?: string;
  /** More words to find it by in the palette. */
  words?: string;
  finds?: readonly Findable[];
  view: () => Promise<{ default: ComponentType }>;
}
