import assert from "node:assert/strict";
import { test } from "node:test";
import { fits, type ListedModel, sorted } from "./listed.ts";

const prices = (input: number) => ({ input, output: input * 4, cache_read: input, cache_write_5m: input, cache_write_1h: input, audio_input: input, audio_output: input, web_search: null, above: {} });
const model = (id: string, input: number | null, over: Partial<ListedModel> = {}): ListedModel => ({
  id, provider: "p", model: id, source: "catalogue", context_tokens: null, output_tokens_max: null, price_source: null,
  prices: input === null ? null : prices(input),
  capabilities: { operations: ["chat"], inputs: ["image"], thinking: null, efforts: [], sampling: true }, ...over,
});

test("sorted by a price, what has none comes last both ways", () => {
  const models = [model("a", 3), model("b", null), model("c", 1)];
  assert.deepEqual(sorted(models, "input", false).map((one) => one.id), ["c", "a", "b"]);
  assert.deepEqual(sorted(models, "input", true).map((one) => one.id), ["a", "c", "b"]);
  assert.deepEqual(sorted(models, "model", true).map((one) => one.id), ["c", "b", "a"]);
});

test("filters that the API does not know hold here", () => {
  assert.equal(fits(model("a", 1), { takes: "image" }), true);
  assert.equal(fits(model("a", 1), { takes: "audio" }), false);
  assert.equal(fits(model("a", 1), { takes: "reasoning" }), false);
  assert.equal(fits(model("a", 1), { takes: "chat", source: "catalogue", price: "known" }), true);
  assert.equal(fits(model("a", null), { price: "known" }), false);
  assert.equal(fits(model("a", null), { price: "unknown" }), true);
});
