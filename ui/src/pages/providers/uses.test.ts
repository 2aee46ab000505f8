import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeyHealth, ProviderHealth } from "./types.ts";
import { conditionOf, namesProvider, shareOf } from "./uses.ts";

const key = (over: Partial<KeyHealth> = {}): KeyHealth => ({ name: "main", state: "ok", cooling_until_ms: null, models_cooling: 0, calls: 0, failed: 0, last_error: null, ...over });
const health = (over: Partial<ProviderHealth> = {}): ProviderHealth => ({ name: "groq", dialect: "openai", keys: [key()], circuits: [], in_flight: 0, queued: 0, calls_5m: 0, failed_5m: 0, latency_p95_us: null, ...over });

test("a key names a provider by its models or by its provider configurations, not by a star", () => {
  assert.equal(namesProvider({ models: ["groq/llama"], providers: [] }, "groq"), true);
  assert.equal(namesProvider({ models: ["*"], providers: [{ provider: "groq", models: ["*"] }] }, "groq"), true);
  assert.equal(namesProvider({ models: ["*", "groq2/*"], providers: [] }, "groq"), false);
});

test("the worst that is known of a provider is its state", () => {
  assert.equal(conditionOf(undefined, 0).words, "not loaded");
  assert.equal(conditionOf(health(), 0).tone, "ok");
  assert.deepEqual(conditionOf(health({ keys: [key({ state: "refused" })] }), 0), { tone: "bad", words: "its key is unusable" });
  assert.equal(conditionOf(health({ keys: [key(), key({ state: "limited", cooling_until_ms: 10 })] }), 5).words, "1 of 2 keys unusable");
  assert.equal(conditionOf(health({ keys: [key({ state: "limited", cooling_until_ms: 10 })] }), 11).tone, "ok");
  assert.equal(conditionOf(health({ calls_5m: 3, failed_5m: 2 }), 0).words, "failing");
  assert.equal(conditionOf(health({ circuits: [{ target: "a", state: "open", until_ms: 1 }] }), 0).words, "1 circuit open");
});

test("a weight is a share of the weights of all keys", () => {
  assert.equal(shareOf(1, [1, 3]), 0.25);
  assert.equal(shareOf(1, []), 0);
});
