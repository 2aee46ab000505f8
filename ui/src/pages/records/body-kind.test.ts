import assert from "node:assert/strict";
import { test } from "node:test";
import { imagesIn, kindOf } from "./body-kind.ts";

const PNG = btoa("\x89PNG\r\n\x1a\n and more");

test("bytes are told by how they begin", () => {
  assert.deepEqual(kindOf({ base64: PNG }), { kind: "image", type: "image/png" });
  assert.deepEqual(kindOf({ base64: btoa("RIFF\x24\x08\x01\x00WAVEfmt ") }), { kind: "audio", type: "audio/wav" });
  assert.deepEqual(kindOf({ base64: btoa("ID3\x04rest") }), { kind: "audio", type: "audio/mpeg" });
  assert.deepEqual(kindOf({ base64: btoa("\x1f\x8b whatever") }), { kind: "binary", type: "" });
  assert.deepEqual(kindOf({ base64: "***" }), { kind: "binary", type: "" });
  assert.deepEqual(kindOf({ base64: "" }), { kind: "binary", type: "" });
});

test("text is JSON, or text, whatever it says of itself", () => {
  assert.equal(kindOf({ text: '{"a": 1}' }).kind, "json");
  assert.equal(kindOf({ text: '{"a": 1' }).kind, "text");
  assert.equal(kindOf({ text: "<svg onload=alert(1)>" }).kind, "text");
});

test("images within a reply are found", () => {
  assert.deepEqual(imagesIn(JSON.stringify({ data: [{ b64_json: PNG }, { b64_json: btoa("<svg>") }, { url: "x" }, null] })), [`data:image/png;base64,${PNG}`]);
  assert.deepEqual(imagesIn('{"data": 3, "b64_json": ""}'), []);
});
