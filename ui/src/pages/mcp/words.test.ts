import assert from "node:assert/strict";
import { test } from "node:test";
import type { Offered, ShownServer } from "./types.ts";
import { heldOf, search, stateOf } from "./words.ts";

const offered = (name: string, description: string, held = false): Offered => ({ name, digest: "d", held, suspicion: "", definition: { description } });

test("what waits for approval is found in every kind", () => {
  const offers = { tools: [offered("add", "", true), offered("look", "")], resources: [], resource_templates: [], prompts: [offered("ask", "", true)] };
  assert.deepEqual(heldOf({ offers } as unknown as ShownServer).map(({ kind, one }) => [kind, one.name]), [["tool", "add"], ["prompt", "ask"]]);
});

test("names and descriptions are searched in any case", () => {
  const all = [offered("read_file", "Reads."), offered("list", "All FILES")];
  assert.deepEqual(search(all, " file ").map((one) => one.name), ["read_file", "list"]);
  assert.deepEqual(search(all, "reads").map((one) => one.name), ["read_file"]);
  assert.equal(search(all, "").length, 2);
});

test("a state of a newer Asbru is shown as it is", () => {
  assert.equal(stateOf("ready").tone, "ok");
  assert.deepEqual(stateOf("sleeping"), { tone: "plain", words: "sleeping" });
});
