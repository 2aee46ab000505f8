// States of servers in people's words, and what of a definition people look at first.

import type { Tone } from "@/kit/status";
import type { Offered, ShownServer } from "./types";

const STATES: Record<string, { tone: Tone; words: string }> = {
  ready: { tone: "ok", words: "Ready" },
  connecting: { tone: "plain", words: "Connecting" },
  unreachable: { tone: "bad", words: "Unreachable" },
  unauthorized: { tone: "warn", words: "Not authorized" },
  failed: { tone: "bad", words: "Failed" },
  disabled: { tone: "plain", words: "Disabled" },
};

export function stateOf(state: string): { tone: Tone; words: string } {
  return STATES[state] ?? { tone: "plain", words: state };
}

/** The kinds of definitions that a server offers: what the API calls them, and people do. */
export const KINDS = [
  { kind: "tool", member: "tools", words: "Tools" },
  { kind: "resource", member: "resources", words: "Resources" },
  { kind: "template", member: "resource_templates", words: "Resource templates" },
  { kind: "prompt", member: "prompts", words: "Prompts" },
] as const;

/** Everything that waits for approval, with the kind by which it is approved. */
export function heldOf(server: ShownServer): { kind: string; one: Offered }[] {
  return KINDS.flatMap(({ kind, member }) => server.offers[member].filter((one) => one.held).map((one) => ({ kind, one })));
}

/** The definitions whose name or description contains a text. */
export function search(offered: readonly Offered[], text: string): Offered[] {
  const wanted = text.trim().toLowerCase();
  return offered.filter((one) => !wanted || one.name.toLowerCase().includes(wanted) || descriptionOf(one).toLowerCase().includes(wanted));
}

export function descriptionOf(one: Offered): string {
  const given = one.definition["description"] ?? one.definition["title"];
  return typeof given === "string" ? given : "";
}

/** How a definition is shown whole. */
export function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
