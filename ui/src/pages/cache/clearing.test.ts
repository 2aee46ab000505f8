import assert from "node:assert/strict";
import { test } from "node:test";
import { clearingPath, clearingWords } from "./clearing.ts";

test("nothing is cleared while nothing is named", () => {
  assert.equal(clearingPath("tag", "  "), null);
  assert.equal(clearingPath("all", ""), "cache?all=true");
});

test("what is named is written as a query", () => {
  assert.equal(clearingPath("prefix", "key:a&b/"), "cache?prefix=key%3Aa%26b%2F");
  assert.match(clearingWords("tag", " v2 "), /tag v2 /);
});
