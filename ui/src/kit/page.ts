// What a folder of pages/ says of itself in its page.ts. The shell finds every folder; there is no list to add to.

import type { ComponentType } from "react";
import type { IconName } from "./icons";

export const GROUPS = ["Observe", "Models", "Govern", "Platform"] as const;
export type Group = (typeof GROUPS)[number];

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
  view: () => Promise<{ default: ComponentType }>;
}
