// The filters of the page: names as the API has them, words for people, and what is worth offering.

import type { Filter } from "@/kit/filter-bar";
import { duration, money } from "@/kit/format";
import { RANGE_DEFAULT } from "@/kit/ranges";
import { readDuration, readMoney, readTag } from "./readings";

export const FILTERS: readonly Filter[] = [
  { name: "caller", label: "Key", placeholder: "name of a virtual key" },
  { name: "model_served", label: "Model", placeholder: "as sent to the provider" },
  { name: "model_asked", label: "Model asked for", placeholder: "as the caller wrote it" },
  { name: "provider", label: "Provider" },
  { name: "team", label: "Team" },
  { name: "customer", label: "Customer" },
  {
    name: "outcome",
    label: "Outcome",
    strict: true,
    options: [
      { value: "ok", label: "Succeeded" },
      { value: "error", label: "Failed" },
      { value: "refused", label: "Refused by Asbru" },
      { value: "cut", label: "Broken off by the provider" },
      { value: "cancelled", label: "Cancelled by the caller" },
    ],
  },
  { name: "status", label: "Status", options: ["200", "400", "401", "403", "404", "429", "499", "500", "502", "503"] },
  { name: "error_code", label: "Error code" },
  { name: "surface", label: "Surface", options: ["openai.chat", "openai.completions", "openai.embeddings", "anthropic.messages"] },
  { name: "key_name", label: "Provider key" },
  { name: "stream", label: "Stream", strict: true, options: [{ value: "1", label: "yes" }, { value: "0", label: "no" }] },
  { name: "cache", label: "Cache", strict: true, options: [{ value: "hit", label: "served from it" }, { value: "semantic", label: "served, in other words" }, { value: "miss", label: "not found" }, { value: "shadow_agreed", label: "shadow: agreed" }, { value: "shadow_differed", label: "shadow: differed" }, { value: "refresh", label: "refreshed" }, { value: "off", label: "kept out" }] },
  { name: "parent_id", label: "Made by", placeholder: "id of the call that made it" },
  { name: "session", label: "Session", placeholder: "as the agent names it" },
  { name: "agent", label: "Program", placeholder: "as it calls itself", options: ["claude-cli", "codex_cli_rs", "GeminiCLI", "opencode"] },
  { name: "trace_id", label: "Trace", placeholder: "32 hex digits" },
  { name: "tag", label: "Tag", placeholder: "name=value", read: readTag },
  { name: "latency_min_us", label: "Latency, at least", placeholder: "a time such as 500 ms or 2 s", read: readDuration, show: (value) => duration(Number(value)) },
  { name: "cost_min_nanousd", label: "Cost, at least", placeholder: "an amount such as $0.05", read: readMoney, show: (value) => money(Number(value)) },
];

export const FILTER_NAMES = FILTERS.map((filter) => filter.name);

export const URL_DEFAULTS: Record<string, string | undefined> = {
  range: RANGE_DEFAULT,
  text: undefined,
  id: undefined,
  live: undefined,
  ...Object.fromEntries(FILTER_NAMES.map((name) => [name, undefined])),
};

/** The members of the URL's state that the API filters by. */
export function asked(url: Record<string, string | undefined>): Record<string, string> {
  const wanted: Record<string, string> = {};
  for (const name of [...FILTER_NAMES, "text"]) if (url[name] && name !== "tag") wanted[name] = url[name];
  const [tag, ...value] = url["tag"]?.split("=") ?? [];
  if (tag) wanted[`tag.${tag}`] = value.join("=");
  return wanted;
}
