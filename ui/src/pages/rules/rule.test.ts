import assert from "node:assert/strict";
import { test } from "node:test";
import { inOrder, type Rule, targetsWords } from "./rule.ts";

const rule = (name: string, over: Partial<Rule>): Rule => ({ id: name, source: "api", version: 1, name, when: "", to: [], fallbacks: [], scope: "global", owner: "", priority: 0, enabled: true, chain: false, ...over });

test("rules are in the order in which they are evaluated", () => {
  const rules = [rule("d", { priority: 1 }), rule("c", {}), rule("f", { source: "file" }), rule("b", { scope: "team", owner: "x" }), rule("a", { scope: "virtual_key", owner: "y", priority: 9 })];
  assert.deepEqual(inOrder(rules).map((one) => one.name), ["a", "b", "f", "c", "d"]);
});

test("targets have shares where there are several", () => {
  assert.equal(targetsWords([{ provider: "groq", model: "llama" }]), "groq/llama");
  assert.equal(targetsWords([{ provider: "groq", model: "llama", weight: 7 }, { provider: "openai", weight: 3 }]), "groq/llama 70 %, openai, same model 30 %");
});
