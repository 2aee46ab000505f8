import assert from "node:assert/strict";
import { test } from "node:test";
import { readRequest, readResponse } from "./conversation.ts";

test("OpenAI: text, images, calls of tools and their results", () => {
  const read = readRequest(JSON.stringify({
    model: "m",
    temperature: 0.2,
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "text", text: "What is it?" }, { type: "image_url", image_url: { url: "data:image/png;base64,iVBOR" } }] },
      { role: "assistant", content: null, tool_calls: [{ id: "c1", function: { name: "look", arguments: '{"at":1}' } }] },
      { role: "tool", tool_call_id: "c1", content: "a bridge" },
    ],
    tools: [{ type: "function", function: { name: "look", description: "Looks.", parameters: { type: "object" } } }],
  }))!;
  assert.deepEqual(read.turns.map((turn) => [turn.role, ...turn.parts.map((part) => part.kind)]), [
    ["system", "text"], ["user", "text", "image"], ["assistant", "call"], ["tool", "result"],
  ]);
  assert.equal(read.tools[0]!.name, "look");
  assert.deepEqual(read.parameters, [["temperature", "0.2"]]);
});

test("Anthropic: system, thinking, calls and failed results", () => {
  const read = readRequest(JSON.stringify({
    system: [{ type: "text", text: "Be brief." }],
    messages: [
      { role: "assistant", content: [{ type: "thinking", thinking: "hm" }, { type: "tool_use", id: "t", name: "look", input: { at: 1 } }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "t", is_error: true, content: [{ type: "text", text: "no" }] }] },
    ],
  }))!;
  assert.deepEqual(read.turns.map((turn) => turn.parts.map((part) => part.kind)), [["text"], ["reasoning", "call"], ["result"]]);
  assert.deepEqual(read.turns[2]!.parts[0], { kind: "result", id: "t", text: "no", failed: true });
});

test("a stream of OpenAI is put together", () => {
  const events = [
    { choices: [{ delta: { reasoning_content: "so" } }] },
    { choices: [{ delta: { content: "Hel" } }] },
    { choices: [{ delta: { content: "lo" } }] },
    { choices: [{ delta: { tool_calls: [{ index: 0, id: "c", function: { name: "look", arguments: '{"a"' } }] } }] },
    { choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: ":1}" } }] } }] },
  ];
  const body = `${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")}data: [DONE]\n\n`;
  assert.deepEqual(readResponse(body)!.parts, [
    { kind: "reasoning", text: "so" }, { kind: "text", text: "Hello" }, { kind: "call", name: "look", id: "c", input: '{"a":1}' },
  ]);
});

test("a stream of Anthropic is put together, also one that broke off", () => {
  const events = [
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi" } },
    { type: "content_block_start", index: 1, content_block: { type: "tool_use", id: "t", name: "look" } },
    { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: '{"a' } },
  ];
  const body = `${events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("")}data: {"type":"conte`;
  assert.deepEqual(readResponse(body)!.parts, [{ kind: "text", text: "Hi" }, { kind: "call", name: "look", id: "t", input: '{"a' }]);
});

test("images from elsewhere are named, not fetched; scripts are no images", () => {
  for (const url of ["https://example.com/a.png", "data:image/svg+xml;base64,PHN2Zz4=", "javascript:alert(1)"]) {
    const read = readRequest(JSON.stringify({ messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }] }))!;
    const [part] = read.turns[0]!.parts;
    assert.ok(part?.kind === "image" && part.url === null);
  }
});

test("what is not understood is left to the raw view", () => {
  for (const body of ["", "not json", "[1,2]", '{"messages":']) assert.equal(readRequest(body), null);
  assert.equal(readResponse("gateway timeout"), null);
  assert.deepEqual(readRequest('{"messages": 5, "tools": "x"}'), { turns: [], tools: [], parameters: [] });
});
