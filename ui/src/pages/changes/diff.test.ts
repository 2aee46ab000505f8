import assert from "node:assert/strict";
import { test } from "node:test";
import { changedNames, differences, shown } from "./diff.ts";

test("only what differs is named, by its path", () => {
  const before = { name: "a", models: ["x"], budgets: [{ amount_usd: 5, window: "1M" }], team: null };
  const after = { name: "a", models: ["x", "y"], budgets: [{ amount_usd: 9, window: "1M" }], team: "search" };
  assert.deepEqual(differences(before, after), [
    { path: "models", kind: "changed", before: ["x"], after: ["x", "y"] },
    { path: "budgets.0.amount_usd", kind: "changed", before: 5, after: 9 },
    { path: "team", kind: "added", after: "search" },
  ]);
  assert.deepEqual(changedNames(before, after), ["models", "budgets", "team"]);
});

test("what is created or deleted has one side", () => {
  assert.deepEqual(differences(null, { role: "admin" }), [{ path: "role", kind: "added", after: "admin" }]);
  assert.deepEqual(differences({ role: "admin" }, null), [{ path: "role", kind: "removed", before: "admin" }]);
  assert.deepEqual(differences({ a: 1 }, { a: 1 }), []);
  assert.deepEqual(differences({ budgets: [] }, { budgets: [{ amount_usd: 5 }] }), [{ path: "budgets.0", kind: "added", after: { amount_usd: 5 } }]);
});

test("values are shown as they are", () => {
  assert.equal(shown("text"), "text");
  assert.equal(shown(null), "none");
  assert.equal(shown(["a", "b"]), '["a","b"]');
  assert.equal(shown(false), "false");
});
