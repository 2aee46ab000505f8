import assert from "node:assert/strict";
import { test } from "node:test";
import { type Group, type Row, read, withField, write } from "./cel.ts";

const row = (field: string, op: Row["op"], value: string, name = ""): Row => ({ kind: "row", field, name, op, value });
const all = (...items: Group["items"]): Group => ({ kind: "group", all: true, items });
const any = (...items: Group["items"]): Group => ({ kind: "group", all: false, items });

const SHOWN: [string, Group][] = [
  ["", all()],
  ['model == "gpt-4o"', all(row("model", "==", "gpt-4o"))],
  ['headers["user-agent"].contains("claude-cli")', all(row("headers", "contains", "claude-cli", "user-agent"))],
  ['budget_used > 80.0 && model.startsWith("gpt-4")', all(row("budget_used", ">", "80"), row("model", "startsWith", "gpt-4"))],
  ['model == "a" || model == "b"', any(row("model", "==", "a"), row("model", "==", "b"))],
  ['surface == "openai" && (team_name == "a" || team_name == "b")', all(row("surface", "==", "openai"), any(row("team_name", "==", "a"), row("team_name", "==", "b")))],
  ['model in ["a", "b"]', all(row("model", "in", "a\nb"))],
  ['"x-id" in headers && !("beta" in tags)', all(row("headers", "present", "", "x-id"), row("tags", "absent", "", "beta"))],
  ['tags["env"] != "a && (b || \\"c\\")"', all(row("tags", "!=", 'a && (b || "c")', "env"))],
];

for (const [text, group] of SHOWN) {
  test(`rows show ${text || "the empty condition"}, and write it back`, () => {
    assert.deepEqual(read(text), group);
    assert.equal(write(group), text);
  });
}

test("and binds stronger than or", () => {
  assert.deepEqual(read('model == "a" && surface == "openai" || provider == "x"'), any(all(row("model", "==", "a"), row("surface", "==", "openai")), row("provider", "==", "x")));
});

test("needless brackets, single quotes and members by a dot are read", () => {
  assert.deepEqual(read("((tags.env == 'prod'))"), all(row("tags", "==", "prod", "env")));
});

const KEPT = [
  "size(model) > 3",
  'model == "a" ? true : false',
  "model == provider",
  'modl == "a"',
  "model == 1",
  'budget_used > "80"',
  "model ==",
  'model == "a" &&',
  'model == "\\x41"',
  'has(headers.x)',
  '!(model == "a")',
  '"a" + model == "ab"',
];

for (const text of KEPT) {
  test(`what rows cannot show stays as it is: ${text}`, () => {
    assert.deepEqual(read(text), all({ kind: "text", text }));
    assert.equal(write(read(text)), text);
  });
}

test("a text among rows keeps its own precedence", () => {
  const group = read('model == "a" && (size(model) > 3 ? true : false) && surface == "openai"');
  assert.deepEqual(group.items[1], { kind: "text", text: "size(model) > 3 ? true : false" });
  assert.equal(write(group), 'model == "a" && (size(model) > 3 ? true : false) && surface == "openai"');
});

test("another field keeps what still makes sense", () => {
  assert.deepEqual(withField(row("model", "contains", "x"), "provider"), row("provider", "contains", "x"));
  assert.deepEqual(withField(row("model", "contains", "x"), "budget_used"), row("budget_used", ">", ""));
  assert.deepEqual(withField(row("headers", "present", "", "a"), "model"), row("model", "==", ""));
});

test("whatever is read is written so that it reads the same", () => {
  for (const text of [...SHOWN.map(([one]) => one), ...KEPT, 'a || b && (c || d)', '(model == "a") && ((b))']) {
    const group = read(text);
    assert.deepEqual(read(write(group)), group);
  }
});
