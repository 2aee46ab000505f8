// A setting as the API lists it, and its parts in people's words. It draws nothing.

import { bytes, exact, span } from "../../kit/format.ts";

export type SettingValue = string | number | boolean | null;

export interface Setting {
  path: string;
  value: SettingValue;
  default: SettingValue;
  unit: string;
  words: string;
  source: "file" | "api" | "default";
  live: boolean;
  form: { type: string; enum?: string[]; minimum?: number; maximum?: number; exclusiveMinimum?: number; exclusiveMaximum?: number };
}

const GROUPS: Record<string, string> = {
  governance: "Keys, budgets and limits",
  affinity: "Session affinity",
  conversations: "Stored responses",
  breaker: "Circuit breakers",
  records: "Records",
  cache: "Cache of replies",
  mcp: "MCP servers",
  limits: "Bounds of a worker",
  overload: "Overload",
  metrics: "Metrics",
  tracing: "Tracing",
  listen: "Listening",
  control: "Control process",
  log: "Log",
};

export interface Group {
  id: string;
  title: string;
  items: Setting[];
}

/** By the first word of the path, in the order of the list. */
export function groupsOf(settings: readonly Setting[]): Group[] {
  const found = new Map<string, Setting[]>();
  for (const one of settings) {
    const id = one.path.split(".")[0]!;
    found.set(id, [...(found.get(id) ?? []), one]);
  }
  return [...found].map(([id, items]) => ({ id, title: GROUPS[id] ?? sentence(id), items }));
}

/** `limits.body_bytes_max` -> "Body bytes, at most"; the unit stands beside the field. */
export function labelOf(path: string): string {
  const name = path.split(".").slice(1).join(".").replace(/_(s|ms)$/, "");
  const bound = /_(max|min)$/.exec(name);
  const words = sentence(name.replace(/_(max|min)$/, "").replaceAll("_", " ").replace(/\bttl\b/, "TTL"));
  return bound ? `${words}, at ${bound[1] === "max" ? "most" : "least"}` : words;
}

/** A value with its unit, as people say it. */
export function valueWords(value: SettingValue, unit: string): string {
  if (value === null) return "not set";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "string") return value;
  if (unit === "bytes") return bytes(value);
  if (unit === "seconds") return Number.isInteger(value) ? span(value) : `${exact(value)} s`;
  if (!unit || unit.startsWith("share")) return exact(value);
  return `${exact(value)} ${value === 1 ? unit.replace(/^days$/, "day") : unit}`;
}

/** What is wrong with a number, or null. */
export function flawOf(value: number | null, { form, unit }: Pick<Setting, "form" | "unit">): string | null {
  if (value === null || Number.isNaN(value)) return "Expected a number";
  if (form.type === "integer" && !Number.isInteger(value)) return "Expected a whole number";
  if (form.minimum !== undefined && value < form.minimum) return `At least ${valueWords(form.minimum, unit)}`;
  if (form.exclusiveMinimum !== undefined && value <= form.exclusiveMinimum) return `More than ${exact(form.exclusiveMinimum)}`;
  if (form.maximum !== undefined && value > form.maximum) return `At most ${valueWords(form.maximum, unit)}`;
  return null;
}

/** Whether a setting has to do with a text: by its path, label or words. */
export function fits(one: Setting, text: string): boolean {
  const all = `${one.path} ${labelOf(one.path)} ${one.words}`.toLowerCase();
  return text.toLowerCase().split(" ").every((word) => all.includes(word));
}

function sentence(text: string): string {
  return text ? text[0]!.toUpperCase() + text.slice(1) : text;
}
