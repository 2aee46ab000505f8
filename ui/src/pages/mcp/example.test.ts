import assert from "node:assert/strict";
import { test } from "node:test";
import { exampleOf } from "./example.ts";

test("what is required, with a value of its type; constants, defaults and the first of several choices as they are", () => {
  const schema = {
    type: "object",
    required: ["path", "depth", "mode", "all", "tags", "at"],
    properties: {
      path: { type: "string" },
      depth: { type: "integer", minimum: 1 },
      mode: { enum: ["fast", "slow"] },
      all: { type: ["boolean", "null"] },
      tags: { type: "array", items: { type: "string" } },
      at: { type: "object", required: ["x"], properties: { x: { type: "number" }, y: { type: "number" } } },
      not_required: { type: "string" },
    },
  };
  assert.deepEqual(exampleOf(schema), { path: "", depth: 1, mode: "fast", all: false, tags: [], at: { x: 0 } });
});

test("what is no schema, or one that never ends, begins empty", () => {
  assert.equal(exampleOf(undefined), null);
  assert.deepEqual(exampleOf({}), {});
  const endless: Record<string, unknown> = { type: "object", required: ["again"] };
  endless["properties"] = { again: endless };
  assert.ok(JSON.stringify(exampleOf(endless)).length < 100);
});
