import assert from "node:assert/strict";
import { test } from "node:test";
import { resetWords } from "./reset-words.ts";

const now = 1_764_000_000_000;

test("a limit says when it is free again", () => {
  assert.equal(resetWords({ metric: "cost", window: "1M", resets_at_ms: now + 3 * 86_400_000 }, now), "resets in 3 days");
  assert.equal(resetWords({ metric: "cost", window: "1d", resets_at_ms: now - 1 }, now), "resets now");
  assert.equal(resetWords({ metric: "cost", window: "1M", resets_at_ms: null }, now), "begins with the next call");
  assert.equal(resetWords({ metric: "tokens", window: "1m", resets_at_ms: null }, now), "frees up continuously");
  assert.equal(resetWords({ metric: "concurrency", window: null, resets_at_ms: null }, now), "at any moment");
  assert.match(resetWords({ metric: "cost", window: "run", resets_at_ms: null }, now), /each run/);
  assert.equal(resetWords({ metric: "cost", window: "run", resets_at_ms: null, parts: { booked: 0, held: 0, runs: 3 } }, now), "fullest of 3 runs");
});
