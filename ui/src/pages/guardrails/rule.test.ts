import assert from "node:assert/strict";
import { test } from "node:test";
import { actionWords, nameOf, pieces, settingsOf, summarize, useOf } from "./rule.ts";

test("a text is cut where findings begin and end, by code points", () => {
  const found = pieces("🙂 a@b.c x", [{ kind: "email", start: 2, end: 7 }]);
  assert.deepEqual(found, [{ text: "🙂 ", kinds: [] }, { text: "a@b.c", kinds: ["email"] }, { text: " x", kinds: [] }]);
});

test("findings that overlap are all named", () => {
  const found = pieces("abcd", [{ kind: "x", start: 0, end: 3 }, { kind: "y", start: 2, end: 4 }]);
  assert.deepEqual(found.map((one) => one.kinds), [["x"], ["x", "y"], ["y"]]);
  assert.deepEqual(pieces("", []), []);
});

test("a check is a name, or a name with settings", () => {
  assert.equal(useOf("pii", {}), "pii");
  assert.deepEqual(useOf("pii", { kinds: ["ip"] }), { pii: { kinds: ["ip"] } });
  assert.equal(nameOf({ pii: {} }), "pii");
  assert.deepEqual(settingsOf({ pii: { kinds: [] } }), { kinds: [] });
});

test("actions in words", () => {
  assert.equal(actionWords({ action: "block", with: "mask" }), "block");
  assert.equal(actionWords({ action: "redact", with: "placeholder" }), "redact, restored in the reply");
});

test("the worst of a surface's places is shown", () => {
  const row = { surface: "s", operation: "o", rule: "r", action: "block", how: "" };
  const rows = [
    { ...row, stream: false, place: "input", verdict: "enforced" as const },
    { ...row, stream: false, place: "output", verdict: "refused" as const },
    { ...row, stream: true, place: "input", verdict: "enforced" as const },
  ];
  assert.deepEqual(summarize(rows), [{ surface: "s", whole: "refused", stream: "enforced" }]);
});
