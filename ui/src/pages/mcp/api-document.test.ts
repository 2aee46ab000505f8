import assert from "node:assert/strict";
import { test } from "node:test";
import { documentServer, nameFor } from "./api-document.ts";

test("a title becomes a name that servers may have", () => {
  assert.equal(nameFor("Swagger Petstore (v3)!"), "swagger-petstore-v3");
  assert.equal(nameFor("x".repeat(40)).length, 32);
});

test("a server has what is chosen, and nothing that was left empty", () => {
  const form = { name: "pets", address: "", wanted: ["get"], all: false, credentials: { token: "", key: "k" } };
  assert.deepEqual(documentServer("{}", form), { name: "pets", openapi: { document: "{}", operations: ["get"], credentials: { key: "k" } } });
  assert.deepEqual(documentServer("{}", { ...form, all: true, address: "https://a.example", credentials: {} }), { name: "pets", openapi: { document: "{}", operations: ["*"], base_url: "https://a.example" } });
});
