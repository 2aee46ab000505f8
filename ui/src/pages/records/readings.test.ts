import assert from "node:assert/strict";
import { test } from "node:test";
import { readDuration, readMoney, readTag } from "./readings.ts";

test("times with their unit; a number alone is milliseconds", () => {
  assert.deepEqual(["500 ms", "2s", "1.5 min", "20", "7 µs"].map(readDuration), ["500000", "2000000", "90000000", "20000", "7"]);
  assert.deepEqual(["", "fast", "-1 s", "2 h", "1e3"].map(readDuration), [null, null, null, null, null]);
});

test("dollars", () => {
  assert.deepEqual(["$0.05", "2", "0.000000001"].map(readMoney), ["50000000", "2000000000", "1"]);
  assert.deepEqual(["", "5 EUR", "-1"].map(readMoney), [null, null, null]);
});

test("tags have a name and a value, which may hold another sign", () => {
  assert.deepEqual(["env=prod", "a=b=c", "env", "=x", "A=b"].map(readTag), ["env=prod", "a=b=c", null, null, null]);
});
