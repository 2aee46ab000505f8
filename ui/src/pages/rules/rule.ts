// Routing rules as the API gives them, the order in which they are evaluated, and their targets in words. Pure.

import { percent } from "../../kit/format.ts";
import type { Stored } from "../../kit/types.ts";

export interface Target {
  provider?: string | null;
  model?: string | null;
  key?: string | null;
  weight?: number;
}

export type RuleScope = "virtual_key" | "team" | "customer" | "global";

export interface Rule extends Stored {
  name: string;
  when: string;
  to: Target[];
  fallbacks: string[];
  scope: RuleScope;
  owner: string;
  priority: number;
  enabled: boolean;
  chain: boolean;
}

export const SCOPES: readonly RuleScope[] = ["virtual_key", "team", "customer", "global"];
export const SCOPE_WORDS: Record<RuleScope, string> = { virtual_key: "Virtual key", team: "Team", customer: "Customer", global: "All calls" };

/** As they are evaluated: scope by scope, within an owner by priority; those of the file before stored ones. */
export function inOrder(rules: readonly Rule[]): Rule[] {
  return rules.toSorted(
    (a, b) =>
      SCOPES.indexOf(a.scope) - SCOPES.indexOf(b.scope) ||
      a.owner.localeCompare(b.owner) ||
      a.priority - b.priority ||
      Number(a.source === "api") - Number(b.source === "api"),
  );
}

export function targetWords(target: Target): string {
  const to = target.provider ? (target.model ? `${target.provider}/${target.model}` : `${target.provider}, same model`) : target.model ? `${target.model}, same provider` : "as asked for";
  return target.key ? `${to} (key ${target.key})` : to;
}

/** "groq/llama 70 %, openai/gpt 30 %" */
export function targetsWords(targets: readonly Target[]): string {
  const whole = targets.reduce((sum, one) => sum + (one.weight ?? 1), 0);
  return targets.map((one) => targetWords(one) + (targets.length > 1 ? ` ${percent((one.weight ?? 1) / whole)}` : "")).join(", ");
}

/** What creates it anew. */
export function bodyOf({ name, when, to, fallbacks, scope, owner, priority, enabled, chain }: Rule): Omit<Rule, keyof Stored> {
  return { name, when, to, fallbacks, scope, owner, priority, enabled, chain };
}
