import assert from "node:assert/strict";
import { test } from "node:test";
import { fits, flawOf, groupsOf, labelOf, type Setting, valueWords } from "./setting.ts";

const body: Setting = { path: "limits.body_bytes_max", value: 1024, default: 2048, unit: "bytes", words: "Request body, bytes.", source: "api", live: true, form: { type: "integer", minimum: 1024, maximum: 4096 } };

test("a path becomes a label", () => {
  assert.equal(labelOf("limits.body_bytes_max"), "Body bytes, at most");
  assert.equal(labelOf("breaker.open_max_s"), "Open, at most");
  assert.equal(labelOf("breaker.attempts_min"), "Attempts, at least");
  assert.equal(labelOf("affinity.ttl_s"), "TTL");
});

test("a value is said with its unit", () => {
  assert.equal(valueWords(33_554_432, "bytes"), "32 MiB");
  assert.equal(valueWords(3600, "seconds"), "1 h");
  assert.equal(valueWords(0.5, "seconds"), "0.5 s");
  assert.equal(valueWords(30, "days"), "30 days");
  assert.equal(valueWords(1, "days"), "1 day");
  assert.equal(valueWords(0.5, "share, 0 to 1"), "0.5");
  assert.equal(valueWords(null, ""), "not set");
});

test("what is out of bounds is said in the unit", () => {
  assert.equal(flawOf(1000, body), "At least 1 KiB");
  assert.equal(flawOf(5000, body), "At most 4 KiB");
  assert.equal(flawOf(1500.5, body), "Expected a whole number");
  assert.equal(flawOf(null, body), "Expected a number");
  assert.equal(flawOf(0, { form: { type: "number", exclusiveMinimum: 0 }, unit: "seconds" }), "More than 0");
  assert.equal(flawOf(2048, body), null);
});

test("groups keep the order of the list, and every word of a search has to fit", () => {
  assert.deepEqual(groupsOf([body, { ...body, path: "new_thing.a" }]).map((one) => one.title), ["Bounds of a worker", "New_thing"]);
  assert.ok(fits(body, "request BYTES"));
  assert.ok(!fits(body, "request days"));
});
