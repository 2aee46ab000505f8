import assert from "node:assert/strict";
import { test } from "node:test";
import { toYaml } from "./yaml.ts";

test("objects and lists are indented, short lists stay on the line", () => {
  const yaml = toYaml({ name: "app", models: ["openai/*", "*"], budgets: [{ amount_usd: 5, window: "1M" }], tags: {} });
  assert.equal(yaml.trim(), 'name: app\nmodels: [openai/*, "*"]\nbudgets:\n  - amount_usd: 5\n    window: "1M"\ntags: {}');
});

test("text that YAML would take for something else is quoted", () => {
  for (const text of ["true", "No", "12", "a: b", "", "# x", "- y", "a\nb"]) assert.equal(toYaml(text), JSON.stringify(text));
});
