import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "./format.ts";

const cases: [string, string, string][] = [
  ["short: counts below a thousand are whole", format.short(999), "999"],
  ["short: thousands", format.short(1234), "1.23 k"],
  ["short: millions", format.short(1_200_000), "1.2 M"],
  ["short: rounding moves to the next unit", format.short(999_999), "1 M"],
  ["short: unknown is a dash", format.short(null), "–"],
  ["money: none at all", format.money(0), "$0"],
  ["money: small amounts keep two digits that count", format.money(4_213_000), "$0.0042"],
  ["switches: on and off", format.switchWords("true: every call needs a key; false: no call does. Default: true if any"), "On: every call needs a key; off: no call does. Default: on if any"],
  ["switches: other words stay", format.switchWords("Whether it is true"), "Whether it is true"],
  ["money: no zeros behind the cents", format.money(20_000_000), "$0.02"],
  ["money: cents are two digits", format.money(800_000_000), "$0.80"],
  ["money: the smallest are bounded, never 0", format.money(1), "<$0.000001"],
  ["money: dollars", format.money(12_340_000_000), "$12.34"],
  ["money: hundreds without cents", format.money(1_234_560_000_000), "$1,235"],
  ["money: tens of thousands", format.money(45_600_000_000_000), "$45.6 k"],
  ["money: unknown is not 0", format.money(null), "–"],
  ["duration: microseconds", format.duration(850), "850 µs"],
  ["duration: milliseconds", format.duration(340_000), "340 ms"],
  ["duration: seconds", format.duration(1_240_000), "1.24 s"],
  ["duration: minutes", format.duration(125_000_000), "2 min 5 s"],
  ["duration: unknown", format.duration(undefined), "–"],
  ["percent: small shares are not 0", format.percent(0.0004), "<0.1 %"],
  ["percent: one digit below ten", format.percent(0.042), "4.2 %"],
  ["percent: whole above", format.percent(0.42), "42 %"],
  ["percent: growth from next to nothing", format.percent(1929.8), ">999 %"],
  ["relative: before", format.relative(0, 3_700_000), "1 h ago"],
  ["relative: after", format.relative(120_000, 0), "in 2 min"],
  ["window: one", format.windowWords("1M"), "month"],
  ["window: several", format.windowWords("30s"), "30 seconds"],
  ["count: one", format.count(1, "key"), "1 key"],
  ["count: more", format.count(2000, "key"), "2,000 keys"],
  ["bytes", format.bytes(1536), "1.5 KiB"],
];

for (const [name, given, expected] of cases) test(name, () => assert.equal(given, expected));

test("change: nothing to compare with is unknown", () => {
  assert.equal(format.change(5, 0), null);
  assert.equal(format.change(null, 5), null);
  assert.equal(format.change(6, 4), 0.5);
});
