import assert from "node:assert/strict";
import { test } from "node:test";
import { merged, nounsOf, scopeWords, withPermission } from "./permissions.ts";

const known = ["bodies:read", "keys:read", "keys:write", "playground:write"];

test("permissions become rows of nouns with their verbs", () => {
  assert.deepEqual(nounsOf(known).map((one) => [one.noun, one.verbs.join()]), [["bodies", "read"], ["playground", "write"], ["keys", "read,write"]]);
});

test("writing brings reading along, and without reading there is no writing", () => {
  assert.deepEqual(withPermission([], "keys:write", true, known), ["keys:read", "keys:write"]);
  assert.deepEqual(withPermission(["keys:read", "keys:write"], "keys:read", false, known), []);
  assert.deepEqual(withPermission(["keys:read", "keys:write"], "keys:write", false, known), ["keys:read"]);
  assert.deepEqual(withPermission([], "playground:write", true, known), ["playground:write"]);
});

test("a scope in words", () => {
  assert.equal(scopeWords({ kind: "all", teams: [] }), "everything");
  assert.equal(scopeWords({ kind: "team", teams: ["a", "b"] }), "teams a, b");
  assert.equal(scopeWords({ kind: "own" }), "the keys that one has created");
});

test("two changes of the same permissions add up", () => {
  assert.deepEqual(merged(["a", "b", "c"], ["b", "c", "d"], ["a", "c", "e"]), ["c", "d", "e"]);
  assert.deepEqual(merged(["a"], ["a", "b"], ["a", "b"]), ["a", "b"]);
});
