import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedRange, isRolling, spanOf, stepOf } from "./ranges.ts";

const NOW = 1_764_288_000_000;
const DAY = 86_400_000;

test("a rolling range ends now", () => {
  assert.deepEqual(spanOf("7d", NOW), { since_ms: NOW - 7 * DAY, until_ms: NOW });
  assert.ok(isRolling("7d"));
});

test("a fixed range is what it says, and reads back", () => {
  const span = { since_ms: NOW - DAY, until_ms: NOW - 1000 };
  assert.deepEqual(spanOf(fixedRange(span), NOW), span);
  assert.ok(!isRolling(fixedRange(span)));
});

test("what makes no sense is the last 24 hours", () => {
  for (const range of [undefined, "", "x", "0h", "1764288000000-1764201600000", "-1h"])
    assert.deepEqual(spanOf(range, NOW), { since_ms: NOW - DAY, until_ms: NOW });
});

test("a chart has at most 180 points", () => {
  for (const range of ["15m", "1h", "6h", "24h", "7d", "30d"]) {
    const span = spanOf(range, NOW);
    const points = (span.until_ms - span.since_ms) / 1000 / stepOf(span);
    assert.ok(points <= 180 && points >= 15, `${range}: ${points}`);
  }
});
