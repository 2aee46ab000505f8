// Conditions in CEL as groups of rows, and back. What rows cannot show stays as text, in a row of its own, so that nothing
// of a condition is lost. Pure; whether a condition makes sense is for the API to say.

export interface Row {
  kind: "row";
  /** A variable, or a map: headers, params, tags. */
  field: string;
  /** Of a map: the name that is read. */
  name: string;
  op: Op;
  /** Of "in": several, one per line. */
  value: string;
}

export interface Text {
  kind: "text";
  text: string;
}

export interface Group {
  kind: "group";
  all: boolean;
  items: Item[];
}

export type Item = Row | Text | Group;

export type Op = "==" | "!=" | "<" | "<=" | ">" | ">=" | "startsWith" | "endsWith" | "contains" | "in" | "present" | "absent";

export interface FieldKind {
  id: string;
  label: string;
  type: "text" | "percent" | "map";
  /** What may be chosen. */
  values?: readonly string[];
}

export const FIELDS: readonly FieldKind[] = [
  { id: "model", label: "Model", type: "text" },
  { id: "provider", label: "Provider", type: "text" },
  { id: "request_type", label: "Kind of call", type: "text", values: ["chat", "completions", "embeddings", "count_tokens"] },
  { id: "surface", label: "API surface", type: "text", values: ["openai", "anthropic"] },
  { id: "headers", label: "Header", type: "map" },
  { id: "params", label: "Query parameter", type: "map" },
  { id: "tags", label: "Tag", type: "map" },
  { id: "virtual_key_name", label: "Virtual key", type: "text" },
  { id: "team_name", label: "Team", type: "text" },
  { id: "customer_name", label: "Customer", type: "text" },
  { id: "budget_used", label: "Budget used, %", type: "percent" },
  { id: "tokens_used", label: "Token limit used, %", type: "percent" },
  { id: "request", label: "Request limit used, %", type: "percent" },
];

const KINDS = new Map(FIELDS.map((field) => [field.id, field]));

export const OPS: Record<FieldKind["type"], readonly { value: Op; label: string }[]> = {
  text: [
    { value: "==", label: "is" },
    { value: "!=", label: "is not" },
    { value: "in", label: "is one of" },
    { value: "startsWith", label: "begins with" },
    { value: "endsWith", label: "ends with" },
    { value: "contains", label: "contains" },
  ],
  map: [
    { value: "==", label: "is" },
    { value: "!=", label: "is not" },
    { value: "in", label: "is one of" },
    { value: "startsWith", label: "begins with" },
    { value: "endsWith", label: "ends with" },
    { value: "contains", label: "contains" },
    { value: "present", label: "is there" },
    { value: "absent", label: "is not there" },
  ],
  percent: [
    { value: ">", label: "is more than" },
    { value: ">=", label: "is at least" },
    { value: "<", label: "is less than" },
    { value: "<=", label: "is at most" },
  ],
};

export function kindOf(field: string): FieldKind | undefined {
  return KINDS.get(field);
}

export const emptyRow = (): Row => ({ kind: "row", field: "model", name: "", op: "==", value: "" });

/** The same row for another field: its operator and value are kept where they still make sense. */
export function withField(row: Row, field: string): Row {
  const type = kindOf(field)?.type ?? "text";
  const fits = OPS[type].some((one) => one.value === row.op);
  const same = type === kindOf(row.field)?.type;
  return { ...row, field, name: type === "map" ? row.name : "", op: fits ? row.op : OPS[type][0]!.value, value: same ? row.value : "" };
}

// Writing

/** The condition of a group; "" of an empty one, which always holds. */
export function write(group: Group): string {
  return writeGroup(group, false);
}

function writeGroup(group: Group, inside: boolean): string {
  const parts = group.items.map((item) => writeItem(item, group)).filter((part) => part !== "");
  const text = parts.join(group.all ? " && " : " || ");
  return inside && parts.length > 1 ? `(${text})` : text;
}

function writeItem(item: Item, group: Group): string {
  if (item.kind === "group") return writeGroup(item, group.items.length > 1);
  if (item.kind === "row") return writeRow(item);
  const text = item.text.trim();
  // Alone it stands as it was written; among others it keeps its own precedence.
  return group.items.length > 1 && text && needsBrackets(text) ? `(${text})` : text;
}

function needsBrackets(text: string): boolean {
  return splitTop(text, "||").length > 1 || splitTop(text, "&&").length > 1 || splitTop(text, "?").length > 1;
}

function writeRow(row: Row): string {
  const kind = kindOf(row.field);
  const read = kind?.type === "map" ? `${row.field}[${quote(row.name)}]` : row.field;
  switch (row.op) {
    case "present":
      return `${quote(row.name)} in ${row.field}`;
    case "absent":
      return `!(${quote(row.name)} in ${row.field})`;
    case "startsWith":
    case "endsWith":
    case "contains":
      return `${read}.${row.op}(${quote(row.value)})`;
    case "in":
      return `${read} in [${row.value.split("\n").map((one) => one.trim()).filter(Boolean).map(quote).join(", ")}]`;
    default:
      return `${read} ${row.op} ${kind?.type === "percent" ? writeNumber(row.value) : quote(row.value)}`;
  }
}

/** Shares are floating-point in CEL, which does not compare them with whole numbers. */
function writeNumber(value: string): string {
  const number = Number(value);
  return Number.isInteger(number) ? number.toFixed(1) : String(number);
}

export function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}"`;
}

// Reading

/** A condition as groups. Operands that rows cannot show become texts. */
export function read(condition: string): Group {
  const item = readItem(condition.trim());
  if (item === null) return { kind: "group", all: true, items: [] };
  return item.kind === "group" ? item : { kind: "group", all: true, items: [item] };
}

function readItem(given: string): Item | null {
  const text = unwrap(given.trim());
  if (!text) return null;
  // A choice binds weaker than "or": rows cannot show it.
  if (splitTop(text, "?").length > 1) return { kind: "text", text };
  for (const [operator, all] of [["||", false], ["&&", true]] as const) {
    const parts = splitTop(text, operator);
    if (parts.length < 2) continue;
    const items = parts.map(readItem);
    if (items.some((item) => item === null)) return { kind: "text", text };
    return { kind: "group", all, items: items as Item[] };
  }
  return readRow(text) ?? { kind: "text", text };
}

const STRING = String.raw`("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')`;
const READ = String.raw`([a-z_]+)(?:\[${STRING}\]|\.([A-Za-z_][A-Za-z0-9_]*))?`;
const COMPARED = new RegExp(`^${READ}\\s*(==|!=|<=|>=|<|>)\\s*(?:${STRING}|(-?\\d+(?:\\.\\d+)?))$`);
const CALLED = new RegExp(`^${READ}\\.(startsWith|endsWith|contains)\\(\\s*${STRING}\\s*\\)$`);
const AMONG = new RegExp(`^${READ}\\s+in\\s+\\[\\s*(${STRING}(?:\\s*,\\s*${STRING})*)\\s*\\]$`);
const PRESENT = new RegExp(`^${STRING}\\s+in\\s+(headers|params|tags)$`);
const STRINGS = new RegExp(STRING, "g");

function readRow(text: string): Row | null {
  const absent = text.startsWith("!(") && unwrap(text.slice(1)) !== text.slice(1);
  const present = PRESENT.exec(absent ? unwrap(text.slice(1)) : text);
  if (present) return row(present[2]!, present[1], undefined, absent ? "absent" : "present", "");
  const compared = COMPARED.exec(text);
  if (compared) {
    const [, field, quoted, dotted, op, value, number] = compared;
    const isNumber = number !== undefined;
    if (isNumber !== (kindOf(field!)?.type === "percent")) return null;
    return row(field!, quoted, dotted, op as Op, isNumber ? String(Number(number)) : value!);
  }
  const called = CALLED.exec(text);
  if (called) return row(called[1]!, called[2], called[3], called[4] as Op, called[5]!);
  const among = AMONG.exec(text);
  if (!among) return null;
  const values = (among[4]!.match(STRINGS) ?? []).map(unquote);
  if (values.some((value) => value === null || value.includes("\n") || value.trim() !== value || value === "")) return null;
  const one = row(among[1]!, among[2], among[3], "in", '""');
  return one && { ...one, value: values.join("\n") };
}

function row(field: string, quoted: string | undefined, dotted: string | undefined, op: Op, value: string): Row | null {
  const kind = kindOf(field);
  const name = quoted === undefined ? (dotted ?? "") : unquote(quoted);
  const said = kind?.type === "percent" || op === "present" || op === "absent" ? value : unquote(value);
  if (!kind || name === null || said === null || (kind.type === "map") !== (name !== "")) return null;
  if (!OPS[kind.type].some((one) => one.value === op)) return null;
  return { kind: "row", field, name, op, value: said };
}

const ESCAPES: Record<string, string> = { n: "\n", t: "\t", r: "\r", "\\": "\\", '"': '"', "'": "'", "`": "`", "?": "?" };

/** The text of a literal; null for escapes that are not read here. */
function unquote(literal: string): string | null {
  let known = true;
  const text = literal.slice(1, -1).replace(/\\(.)/gs, (_, letter: string) => {
    known &&= letter in ESCAPES;
    return ESCAPES[letter] ?? "";
  });
  return known ? text : null;
}

/** Without brackets around the whole of it. */
function unwrap(text: string): string {
  let inner = text;
  while (inner.startsWith("(") && closing(inner) === inner.length - 1) inner = inner.slice(1, -1).trim();
  return inner;
}

/** Where the bracket closes that the text begins with. */
function closing(text: string): number {
  for (const [place, depth] of walk(text)) if (depth === 0 && text[place] === ")") return place;
  return -1;
}

/** At an operator that stands in no brackets and no literal. */
export function splitTop(text: string, operator: string): string[] {
  const parts: string[] = [];
  let begin = 0;
  for (const [place, depth] of walk(text)) {
    if (depth > 0 || place < begin || !text.startsWith(operator, place)) continue;
    parts.push(text.slice(begin, place));
    begin = place + operator.length;
  }
  return [...parts, text.slice(begin)];
}

/** Each place outside of literals, and how deep in brackets it is; a closing bracket counts as outside. */
function* walk(text: string): Generator<[number, number]> {
  let depth = 0;
  let quoted = "";
  for (let place = 0; place < text.length; place++) {
    const letter = text[place]!;
    if (quoted) {
      if (letter === "\\") place++;
      else if (letter === quoted) quoted = "";
      continue;
    }
    if (letter === '"' || letter === "'") {
      quoted = letter;
      continue;
    }
    if (letter === ")" || letter === "]" || letter === "}") depth--;
    yield [place, depth];
    if (letter === "(" || letter === "[" || letter === "{") depth++;
  }
}
