import assert from "node:assert/strict";
import { test } from "node:test";
import { longestPause, place } from "./timeline.ts";

const call = (id: string, started_ms: number, ms: number, parent_id = "") => ({ id, started_ms, latency_us: ms * 1000, parent_id });

test("calls are placed by their time, the first begins the line and the last to end ends it", () => {
  const placed = place([call("b", 1_000, 1_000), call("a", 0, 500)]);
  assert.deepEqual(placed.map((one) => [one.call.id, one.left, one.width, one.idle_ms]), [["a", 0, 25, 0], ["b", 50, 50, 0]]);
});

test("long pauses are shortened to the same length and said, short ones are not", () => {
  const hour = 3_600_000;
  const placed = place([call("a", 0, 9_000), call("b", 10_000, 1_000), call("c", hour, 10_000), call("d", 2 * hour, 10_000)]);
  assert.deepEqual(placed.map((one) => one.idle_ms), [0, 0, hour - 11_000, hour - 10_000]);
  // 30 s of calls and 15 s of pauses: 1 s as it is, and 7 s for each of the two others.
  assert.deepEqual(placed.map((one) => Math.round(one.left * 0.45)), [0, 10, 18, 35]);
  assert.ok(Math.abs(placed[3]!.left + placed[3]!.width - 100) < 1e-9);
});

test("calls that overlap are counted once, and leave no pause while one is under way", () => {
  const placed = place([call("a", 0, 60_000), call("b", 1_000, 1_000), call("c", 50_000, 20_000), call("d", 200_000, 30_000)]);
  assert.deepEqual(placed.map((one) => one.idle_ms), [0, 0, 0, 130_000]);
  assert.deepEqual(placed.map((one) => Math.round(one.left * 1.5)), [0, 1, 50, 120]);
});

test("pauses share what room there is", () => {
  assert.equal(longestPause([], 5), Infinity);
  assert.equal(longestPause([1, 2], 3), Infinity);
  assert.equal(longestPause([1, 20, 10], 7), 3);
  assert.equal(longestPause([4, 4], 0), 0);
});

test("calls stand below the one that made them", () => {
  const placed = place([call("a", 0, 100), call("b", 10, 10, "a"), call("c", 20, 5, "b"), call("d", 30, 5, "elsewhere")]);
  assert.deepEqual(placed.map((one) => one.depth), [0, 1, 2, 0]);
});

test("nothing, and calls that took no time", () => {
  assert.deepEqual(place([]), []);
  assert.deepEqual(place([call("a", 5, 0)]).map((one) => [one.left, one.width]), [[0, 0]]);
});
