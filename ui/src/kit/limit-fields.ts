// The fields of budgets and rate limits, which keys, teams, customers and others have alike.

import { windowWords } from "./format";
import type { Field } from "./schema-form";

const windows = (...all: string[]) => all.map((value) => ({ value, label: windowWords(value) }));

export const BUDGETS: Field = {
  name: "budgets",
  label: "Budgets",
  help: "No limit on spend.",
  note: "Strict: a call is refused if its highest possible cost does not fit; the budget is never exceeded. Expected: calls are admitted by what they usually cost, so more of the budget can be used, and it can be exceeded a little.",
  begin: { amount_usd: 50, window: "1M" },
  inner: [
    { name: "amount_usd", label: "Amount", unit: "$" },
    { name: "window", label: "Per", options: windows("1h", "1d", "1w", "1M", "1Q", "1Y", "run") },
    { name: "policy", label: "Policy" },
  ],
};

export const RATE_LIMITS: Field = {
  name: "rate_limits",
  label: "Rate limits",
  help: "No limit on requests or tokens.",
  begin: { metric: "requests", amount: 60, window: "1m" },
  inner: [
    { name: "metric", label: "What" },
    { name: "amount", label: "At most" },
    { name: "window", label: "Per", options: windows("1s", "10s", "1m", "5m", "1h", "1d") },
  ],
};
