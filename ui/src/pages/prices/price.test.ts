import assert from "node:assert/strict";
import { test } from "node:test";
import { isAbout, withUnit } from "./price.ts";

test("a pattern is about the models that it names", () => {
  assert.ok(isAbout("groq/llama*", "groq", "Llama-3.3-70b"));
  assert.ok(isAbout("*/*", "groq", "any/thing"));
  assert.ok(isAbout("groq/*70b*", "groq", "llama-3.3-70b-versatile"));
  assert.ok(isAbout("*groq/*b", "my-groq", "llama-70b"));
  assert.ok(!isAbout("groq/llama", "groq", "llama-3"));
  assert.ok(!isAbout("openai/llama*", "groq", "llama-3"));
  assert.ok(!isAbout("groq", "groq", "groq"));
});

test("units have a price, or none", () => {
  assert.deepEqual(withUnit({ image: 1, page: 2 }, "image", 3), { page: 2, image: 3 });
  assert.deepEqual(withUnit({ image: 1, page: 2 }, "image", null), { page: 2 });
});
