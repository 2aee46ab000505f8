import assert from "node:assert/strict";
import { test } from "node:test";
import { namesOf, recordOrSession } from "./found.ts";

test("names contain what was typed, and begin with it first", () => {
  const items = [{ id: "the-search" }, { name: "Search-prod" }, { path: "records.bodies" }, { id: "search" }];
  assert.deepEqual(namesOf(items, " search ", 5), ["Search-prod", "search", "the-search"]);
  assert.deepEqual(namesOf(items, "s", 1), ["Search-prod"]);
  assert.deepEqual(namesOf([{}], "x", 5), []);
});

test("ids of calls and sessions are known by their form", () => {
  assert.deepEqual(recordOrSession("req_1a21ce4199ed2c0a8681"), ["records"]);
  assert.deepEqual(recordOrSession("ses_0123456789abcdef0123"), ["sessions"]);
  assert.deepEqual(recordOrSession("request"), []);
});
