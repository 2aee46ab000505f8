import assert from "node:assert/strict";
import { test } from "node:test";
import { agentWords, modelWords, ownerWords, shortName } from "./words.ts";

test("agents are called as people know them, others as they call themselves", () => {
  assert.equal(agentWords("claude-cli"), "Claude Code");
  assert.equal(agentWords("my-agent"), "my-agent");
  assert.equal(agentWords("constructor"), "constructor");
  assert.equal(agentWords(""), "unknown program");
});

test("long names are cut, short ones are not", () => {
  assert.equal(shortName("nightly-run-12"), "nightly-run-12");
  assert.equal(shortName("0af76519-16cd-43dd-8448-eb211c80319c"), "0af76519-16cd…");
});

test("of several models the first is named", () => {
  assert.equal(modelWords([]), "");
  assert.equal(modelWords(["openrouter/meta/llama"]), "meta/llama");
  assert.equal(modelWords(["anthropic/a", "openai/b", "openai/c"]), "a +2");
});

test("a limit names its owner", () => {
  assert.equal(ownerWords("team/red"), "of the team red");
  assert.equal(ownerWords("key/ci"), "of the key ci");
  assert.equal(ownerWords("key/ci/provider/openai"), "of the key ci at openai");
  assert.equal(ownerWords("key/ci/provider/*"), "of the key ci at any provider");
});
