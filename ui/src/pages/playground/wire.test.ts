import assert from "node:assert/strict";
import { test } from "node:test";
import { addEvent, emptyReply, fromRecord, type Message, readTools, SETUP, TOOL_EXAMPLE, unanswered, writeRequest } from "./wire.ts";

const user = (text: string): Message => ({ role: "user", text, images: [] });

test("a stream puts text, reasoning, tool calls and usage together", () => {
  const events = [
    { choices: [{ delta: { role: "assistant", reasoning_content: "hm" } }] },
    { choices: [{ delta: { content: "Hel" } }] },
    { choices: [{ delta: { content: "lo" } }] },
    { choices: [{ delta: { tool_calls: [{ index: 0, id: "c1", function: { name: "f", arguments: "{\"a\"" } }] } }] },
    { choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: ":1}" } }] }, finish_reason: "tool_calls" }] },
    { choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } },
  ];
  const reply = events.reduce(addEvent, emptyReply());
  assert.deepEqual([reply.text, reply.reasoning, reply.finish, reply.input_tokens, reply.output_tokens], ["Hello", "hm", "tool_calls", 3, 4]);
  assert.deepEqual(reply.calls, [{ id: "c1", name: "f", input: "{\"a\":1}" }]);
});

test("an error in a stream ends the reply with its code", () => {
  assert.deepEqual(addEvent(emptyReply(), { error: { message: "no", code: "x" } }).error, { code: "x", message: "no" });
});

test("a request leaves out what is not set, and replies that failed", () => {
  const failed = { ...emptyReply(), error: { code: "x", message: "no" } };
  assert.deepEqual(writeRequest("m", { ...SETUP, stream: false }, [user("a"), failed, user("b")]), { model: "m", messages: [{ role: "user", content: "a" }, { role: "user", content: "b" }] });
});

test("images go beside the text", () => {
  const [message] = writeRequest("m", SETUP, [{ role: "user", text: "look", images: ["data:image/png;base64,AA"] }])["messages"] as { content: unknown }[];
  assert.deepEqual(message!.content, [{ type: "text", text: "look" }, { type: "image_url", image_url: { url: "data:image/png;base64,AA" } }]);
});

test("tools are taken with and without their wrapping; what is none is said", () => {
  const read = readTools(TOOL_EXAMPLE);
  assert.ok("tools" in read && read.tools.length === 1);
  assert.deepEqual(readTools(JSON.stringify(read.tools)), read);
  assert.ok("error" in readTools("{"));
  assert.ok("error" in readTools("[{}]"));
});

test("a call waits until it has a result", () => {
  const reply = { ...emptyReply(), calls: [{ id: "a", name: "f", input: "{}" }, { id: "b", name: "f", input: "{}" }] };
  assert.equal(unanswered([user("x"), reply]).length, 2);
  assert.equal(unanswered([user("x"), reply, { role: "tool", id: "a", name: "f", text: "1" }]).length, 1);
});

test("a recorded request becomes a setup and messages", () => {
  const { setup, messages } = fromRecord({
    turns: [
      { role: "system", parts: [{ kind: "text", text: "be brief" }] },
      { role: "user", parts: [{ kind: "text", text: "hi" }] },
      { role: "assistant", parts: [{ kind: "call", name: "f", id: "c", input: "{}" }] },
      { role: "tool", parts: [{ kind: "result", id: "c", text: "7", failed: false }] },
    ],
    tools: [{ name: "f", about: "", schema: "{}" }],
    parameters: [["temperature", "0.2"], ["max_tokens", "50"]],
  });
  assert.deepEqual([setup.system, setup.temperature, setup.max_tokens], ["be brief", 0.2, 50]);
  assert.deepEqual(messages.map((one) => one.role), ["user", "assistant", "tool"]);
  assert.equal(unanswered(messages).length, 0);
});
