import assert from "node:assert/strict";
import { test } from "node:test";
import { flawOfRefusal, flaws, mergePatch, undoPatch, resolve, type Schemas } from "./schema.ts";

const schemas: Schemas = {
  Budget: {
    type: "object",
    required: ["amount_usd"],
    properties: { amount_usd: { type: "number", exclusiveMinimum: 0 }, window: { type: "string", pattern: "^[0-9]+[smhdwMQY]$" } },
    additionalProperties: false,
  },
  Key: {
    type: "object",
    required: ["name"],
    properties: {
      name: { type: "string", pattern: "^[A-Za-z0-9][a-z]*$" },
      team: { anyOf: [{ type: "string" }, { type: "null" }], description: "Its team." },
      budgets: { type: "array", maxItems: 2, items: { $ref: "#/components/schemas/Budget" } },
      active: { type: "boolean" },
    },
    additionalProperties: false,
  },
};
const key = { $ref: "#/components/schemas/Key" };

test("null among alternatives is told apart", () => {
  assert.deepEqual(resolve(schemas["Key"]!.properties!["team"]!, schemas), { type: "string", description: "Its team.", nullable: true });
});

test("flaws are found at their path", () => {
  assert.deepEqual(flaws({ name: "a", team: null, budgets: [{ amount_usd: 5 }], active: true }, key, schemas), {});
  assert.deepEqual(Object.keys(flaws({ budgets: [{ amount_usd: 0 }, { window: "x", amount_usd: 1 }], other: 1, active: "yes" }, key, schemas)).sort(), [
    "active", "budgets.0.amount_usd", "budgets.1.window", "name", "other",
  ]);
  assert.deepEqual(flaws({ name: "a", budgets: [1, 2, 3] }, key, schemas), { budgets: "At most 2" });
});

test("a refusal goes to the field it names", () => {
  assert.deepEqual(flawOfRefusal("Budgets.0.window: expected a window", schemas["Key"]!), ["budgets.0.window", "expected a window"]);
  assert.equal(flawOfRefusal("there is a key 'a' already", schemas["Key"]!), null);
  const value = { budgets: [{ name: "Main-1" }, { name: "a.b", parts: [{ window: "x" }] }], active: { "X-Key": "1" } };
  const at = (message: string) => flawOfRefusal(message, schemas["Key"]!, value)?.[0];
  assert.equal(at("Budgets.Main-1.window: expected the secret"), "budgets.0.window");
  assert.equal(at("Budgets.a.b.parts.0.window: expected the secret"), "budgets.1.parts.0.window");
  assert.equal(at("Active.X-Key: expected the secret"), "active.X-Key");
  assert.equal(at("Team?api_key: expected the secret"), "team");
});

test("a patch names what has changed only, and removes by null", () => {
  const before = { name: "a", team: "x", tags: { one: "1", two: "2" }, active: true };
  assert.deepEqual(mergePatch(before, { name: "a", team: null, tags: { two: "3" }, active: true }, ["name", "team", "tags", "active"]), {
    team: null, tags: { one: null, two: "3" },
  });
});

test("a patch is taken back, with what it added to objects", () => {
  const before = { a: 1, tags: { x: "1", y: "2" }, list: ["one"] };
  const patch = { a: 2, tags: { x: null, z: "3" }, list: [], fresh: "yes" };
  assert.deepEqual(undoPatch(patch, before), { a: 1, tags: { x: "1", y: "2", z: null }, list: ["one"], fresh: null });
});
