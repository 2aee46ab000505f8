import assert from "node:assert/strict";
import { test } from "node:test";
import { busyTime, place } from "./timeline.ts";

const call = (id: string, started_ms: number, ms: number, parent_id = "") => ({ id, started_ms, latency_us: ms * 1000, parent_id });

test("calls are placed by their time, the first begins the line and the last to end ends it", () => {
  const placed = place([call("b", 1_000, 1_000), call("a", 0, 500)]);
  assert.deepEqual(placed.map((one) => [one.call.id, one.left, one.width, one.idle_ms]), [["a", 0, 25, 0], ["b", 50, 50, 0]]);
});

test("a pause is shortened and said, a short one is not", () => {
  const hour = 3_600_000;
  const placed = place([call("a", 0, 9_000), call("b", 9_500, 500), call("c", hour, 10_000)]);
  assert.deepEqual(placed.map((one) => one.idle_ms), [0, 0, hour - 10_000]);
  const [a, , c] = placed;
  assert.ok(Math.abs(a!.width - 42.857) < 0.01 && Math.abs(c!.left + c!.width - 100) < 1e-9);
});

test("calls that overlap are counted once, and leave no pause while one is under way", () => {
  const calls = [call("a", 0, 60_000), call("b", 1_000, 1_000), call("c", 50_000, 20_000)];
  assert.equal(busyTime(calls), 70_000);
  assert.ok(place(calls).every((one) => one.idle_ms === 0));
});

test("calls stand below the one that made them", () => {
  const placed = place([call("a", 0, 100), call("b", 10, 10, "a"), call("c", 20, 5, "b"), call("d", 30, 5, "elsewhere")]);
  assert.deepEqual(placed.map((one) => one.depth), [0, 1, 2, 0]);
});

test("nothing, and calls that took no time", () => {
  assert.deepEqual(place([]), []);
  assert.deepEqual(place([call("a", 5, 0)]).map((one) => [one.left, one.width]), [[0, 0]]);
});
