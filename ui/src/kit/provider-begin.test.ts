import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProviderType } from "@/kit/provider-types";
import { begun, typeOf } from "./provider-begin.ts";

const type = (name: string, told: Partial<ProviderType> = {}): ProviderType => ({ name, title: name, dialects: ["openai"], needs_address: false, needs_dialect: false, needs_key: true, served_here: false, docs_url: null, access: [], fields: [], ...told });
const TYPES = [type("openai"), type("azure", { needs_address: true }), type("custom", { needs_address: true, needs_dialect: true, needs_key: false, dialects: ["anthropic", "openai"] })];

test("a provider has the type that it names, or that of its name", () => {
  assert.equal(typeOf(TYPES, { name: "mine", type: "azure" })?.name, "azure");
  assert.equal(typeOf(TYPES, { name: "openai", type: null })?.name, "openai");
  assert.equal(typeOf(TYPES, { name: "mine" }), undefined);
});

test("a type brings its name and a key, and forgets what another one asked for", () => {
  const first = begun(TYPES, { type: "azure", name: "openai", base_url: "https://left.example" });
  assert.deepEqual(first, { name: "azure", type: "azure", keys: [{ name: "main", value: "", models: ["*"], weight: 1 }] });
  assert.equal(begun(TYPES, { type: "azure", name: "mine" }).name, "mine");
});

test("one that may be anything speaks its first dialect, and has no key unless one is added", () => {
  assert.deepEqual(begun(TYPES, { type: "custom", name: "" }), { name: "custom", type: "custom", dialect: "anthropic", keys: [] });
});
