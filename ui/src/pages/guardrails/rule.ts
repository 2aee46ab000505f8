// Guardrail rules as the API gives them, in words, and a text cut into what was found and what was not. Pure.

import type { Stored } from "../../kit/types.ts";

export type CheckUse = string | Record<string, Record<string, unknown>>;

export interface GuardrailRule extends Stored {
  name: string;
  checks: CheckUse[];
  action: "allow" | "annotate" | "redact" | "block";
  with: "replace" | "mask" | "hash" | "placeholder";
  places: string[];
  when: string;
  operations: string[];
  sample_ratio: number;
  hold: boolean;
  timeout_ms: number;
  on_error: "open" | "closed";
  unchecked: "refuse" | "allow";
  enabled: boolean;
}

export interface Finding {
  rule: string;
  kind: string;
  start: number;
  end: number;
  score: number;
}

export interface Findings {
  findings: Finding[];
  text: string;
  blocked_by: string;
  not_run: string[];
  problems: string[];
}

export interface ProofRow {
  surface: string;
  operation: string;
  stream: boolean;
  rule: string;
  place: string;
  action: string;
  verdict: "enforced" | "absent" | "refused" | "unchecked" | "impossible";
  how: string;
}

export interface Check {
  name: string;
  sentence: string;
  spans: boolean;
  asks: boolean;
  credential: string;
}

export const PLACES = ["input", "output", "tool_arguments", "tool_results", "tool_descriptions"] as const;
export const PLACE_WORDS: Record<string, string> = {
  input: "input",
  output: "output",
  tool_arguments: "tool arguments",
  tool_results: "tool results",
  tool_descriptions: "tool descriptions",
};

export function nameOf(use: CheckUse): string {
  return typeof use === "string" ? use : (Object.keys(use)[0] ?? "");
}

export function settingsOf(use: CheckUse): Record<string, unknown> {
  return typeof use === "string" ? {} : (Object.values(use)[0] ?? {});
}

export function useOf(name: string, settings: Record<string, unknown>): CheckUse {
  return Object.keys(settings).length ? { [name]: settings } : name;
}

/** "redact with placeholders" */
export function actionWords(rule: Pick<GuardrailRule, "action" | "with">): string {
  if (rule.action !== "redact") return rule.action;
  return { replace: "redact", mask: "redact, masked", hash: "redact, hashed", placeholder: "redact, restored in the reply" }[rule.with];
}

/** What creates it anew. */
export function bodyOf(rule: GuardrailRule): Omit<GuardrailRule, keyof Stored> {
  const { name, checks, action, with: how, places, when, operations, sample_ratio, hold, timeout_ms, on_error, unchecked, enabled } = rule;
  return { name, checks, action, with: how, places, when, operations, sample_ratio, hold, timeout_ms, on_error, unchecked, enabled };
}

export interface Piece {
  text: string;
  kinds: string[];
}

/** The text in pieces, each with the kinds of what was found there. Offsets count code points. */
export function pieces(text: string, findings: readonly Pick<Finding, "kind" | "start" | "end">[]): Piece[] {
  const chars = Array.from(text);
  const borders = [...new Set([0, chars.length, ...findings.flatMap((one) => [one.start, one.end])])].filter((at) => at >= 0 && at <= chars.length).toSorted((a, b) => a - b);
  const found: Piece[] = [];
  for (let index = 0; index + 1 < borders.length; index += 1) {
    const [start, end] = [borders[index] ?? 0, borders[index + 1] ?? 0];
    const kinds = [...new Set(findings.filter((one) => one.start <= start && end <= one.end).map((one) => one.kind))];
    found.push({ text: chars.slice(start, end).join(""), kinds });
  }
  return found;
}

export interface Summary {
  surface: string;
  whole: string;
  stream: string;
}

/** The worst that happens in any of a rule's places. */
const ORDER = ["impossible", "unchecked", "refused", "enforced", "absent"];

export function summarize(rows: readonly ProofRow[]): Summary[] {
  const surfaces = [...new Set(rows.map((row) => row.surface))];
  const worst = (some: readonly ProofRow[]) => ORDER.find((verdict) => some.some((row) => row.verdict === verdict)) ?? "";
  return surfaces.map((surface) => {
    const own = rows.filter((row) => row.surface === surface);
    return { surface, whole: worst(own.filter((row) => !row.stream)), stream: worst(own.filter((row) => row.stream)) };
  });
}
