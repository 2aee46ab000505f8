import assert from "node:assert/strict";
import { test } from "node:test";
import { curlOf } from "./curl.ts";

test("quotes of a body cannot end the argument", () => {
  const line = curlOf({ surface: "openai.chat", model_asked: "m", stream: false }, `{"a": "it's; rm -rf /"}`, "http://gateway");
  assert.ok(line.includes(`'{"a": "it'\\''s; rm -rf /"}'`));
  assert.ok(line.startsWith("curl http://gateway/v1/chat/completions"));
});

test("without a body it names the model, and the path of the surface", () => {
  const line = curlOf({ surface: "anthropic.messages", model_asked: "claude", stream: true }, null, "http://gateway");
  assert.ok(line.includes("/anthropic/v1/messages") && line.includes('"model":"claude"') && line.includes('"stream":true'));
});
