import assert from "node:assert/strict";
import { test } from "node:test";
import { agentWords } from "./agent.ts";

test("browsers are named, and others are shown as they call themselves", () => {
  assert.equal(agentWords("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"), "Firefox on Linux");
  assert.equal(agentWords("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0"), "Edge on Windows");
  assert.equal(agentWords("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"), "Safari on iOS");
  assert.equal(agentWords("curl/8.14.1"), "curl");
  assert.equal(agentWords("x".repeat(60)), `${"x".repeat(40)}…`);
  assert.equal(agentWords(""), "unknown program");
});
