import assert from "node:assert/strict";
import { test } from "node:test";
import { inOrder, type Priced } from "./first-models.ts";

const model = (id: string, output: number | null, operation = "chat"): Priced => ({ id, prices: output === null ? null : { input: 1, output }, capabilities: { operations: [operation] } });

test("the least expensive model that chats comes first, of those that the provider lists", () => {
  const known = [model("p/dear", 9), model("p/embed", 0, "embeddings"), model("p/cheap", 2), model("p/gone", 1), model("p/free?", 0)];
  assert.deepEqual(inOrder("p", ["q/x", "p/dear", "p/new", "p/cheap", "p/embed"], known), ["p/cheap", "p/dear", "p/new"]);
  assert.deepEqual(inOrder("p", [], known), ["p/gone", "p/cheap", "p/dear", "p/free?"]);
  assert.deepEqual(inOrder("p", [], []), []);
});
