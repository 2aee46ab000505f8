import assert from "node:assert/strict";
import { test } from "node:test";
import { lines } from "./lines.ts";

test("a server's own address, and the key only where it was given", () => {
  const [claude, codex, , cursor] = lines("http://h:1", "docs", "sk-1");
  assert.equal(claude!.line, 'claude mcp add --transport http docs http://h:1/mcp/docs --header "Authorization: Bearer sk-1"');
  assert.ok(codex!.line.includes("export ASBRU_API_KEY=sk-1; codex mcp add docs --url http://h:1/mcp/docs"));
  assert.deepEqual(JSON.parse(cursor!.line), { mcpServers: { docs: { url: "http://h:1/mcp/docs", headers: { Authorization: "Bearer sk-1" } } } });
});

test("without a key the environment is read, each in its way", () => {
  const all = lines("http://h:1", "", "");
  assert.ok(!all.map((one) => one.line).join().includes("export"));
  assert.ok(all[0]!.line.includes("Bearer $ASBRU_API_KEY"));
  assert.ok(all[3]!.line.includes("${env:ASBRU_API_KEY}"));
});
