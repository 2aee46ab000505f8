// The JSON schemas of the API's OpenAPI description, as a form needs them: resolved, with what may be null told apart;
// and whether a value fits, in people's words. It draws nothing.

export interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: (string | number)[];
  const?: unknown;
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  required?: string[];
  anyOf?: Schema[];
  allOf?: Schema[];
  oneOf?: Schema[];
  $ref?: string;
  /** Set by `resolve`: null is allowed. */
  nullable?: boolean;
}

export type Schemas = Record<string, Schema>;
export type Value = Record<string, unknown>;

/** A schema without `$ref` and without `null` among its alternatives. */
export function resolve(schema: Schema, schemas: Schemas): Schema {
  if (schema.$ref) {
    const { $ref, ...beside } = schema;
    return resolve({ ...schemas[$ref.split("/").at(-1)!], ...beside }, schemas);
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    const { anyOf: _, oneOf: __, ...beside } = schema;
    const left = choices.filter((one) => one.type !== "null");
    const nullable = left.length < choices.length;
    if (left.length === 1) return { ...resolve(left[0]!, schemas), ...beside, nullable };
    return { ...beside, anyOf: left, nullable };
  }
  if (schema.allOf?.length === 1) {
    const { allOf, ...beside } = schema;
    return resolve({ ...allOf[0]!, ...beside }, schemas);
  }
  return schema;
}

/** What is wrong with an object, by path (`budgets.0.amount_usd`); {} if nothing is. */
export function flaws(value: unknown, schema: Schema, schemas: Schemas, path = ""): Record<string, string> {
  const known = resolve(schema, schemas);
  const at = (name: string | number) => (path ? `${path}.${name}` : String(name));
  if (value === null && known.nullable) return {};
  if (known.type === "object" && known.properties) {
    if (!isObject(value)) return { [path]: "Expected an object" };
    const found: Record<string, string> = {};
    for (const name of known.required ?? []) if (isEmpty(value[name])) found[at(name)] = "Required";
    for (const [name, inner] of Object.entries(value)) {
      const property = known.properties[name];
      if (!property) {
        if (known.additionalProperties === false) found[at(name)] = "Unknown member";
      } else if (inner !== undefined && !found[at(name)]) Object.assign(found, flaws(inner, property, schemas, at(name)));
    }
    return found;
  }
  if (known.type === "array") {
    if (!Array.isArray(value)) return { [path]: "Expected a list" };
    if (known.minItems !== undefined && value.length < known.minItems) return { [path]: known.minItems === 1 ? "Required" : `At least ${known.minItems}` };
    if (known.maxItems !== undefined && value.length > known.maxItems) return { [path]: `At most ${known.maxItems}` };
    return Object.assign({}, ...value.map((one, index) => flaws(one, known.items ?? {}, schemas, at(index)))) as Record<string, string>;
  }
  const flaw = scalarFlaw(value, known);
  return flaw ? { [path]: flaw } : {};
}

function scalarFlaw(value: unknown, schema: Schema): string | null {
  if (schema.enum) return schema.enum.includes(value as string) ? null : `Expected one of ${schema.enum.join(", ")}`;
  if (schema.type === "string") {
    if (typeof value !== "string") return "Expected text";
    if (schema.minLength !== undefined && value.length < schema.minLength) return schema.minLength === 1 ? "Required" : `At least ${schema.minLength} characters`;
    if (schema.maxLength !== undefined && value.length > schema.maxLength) return `At most ${schema.maxLength} characters`;
    if (schema.pattern && !new RegExp(schema.pattern).test(value)) return patternWords(schema);
    return null;
  }
  if (schema.type === "integer" || schema.type === "number") {
    if (typeof value !== "number" || Number.isNaN(value)) return "Expected a number";
    if (schema.type === "integer" && !Number.isInteger(value)) return "Expected a whole number";
    if (schema.minimum !== undefined && value < schema.minimum) return `At least ${schema.minimum}`;
    if (schema.exclusiveMinimum !== undefined && value <= schema.exclusiveMinimum) return `More than ${schema.exclusiveMinimum}`;
    if (schema.maximum !== undefined && value > schema.maximum) return `At most ${schema.maximum}`;
    return null;
  }
  if (schema.type === "boolean") return typeof value === "boolean" ? null : "Expected true or false";
  return null;
}

function patternWords(schema: Schema): string {
  if (schema.pattern?.includes("smhdwMQY")) return "A window such as 30s, 1h, 1d or 1M";
  if (schema.pattern?.startsWith("^[A-Za-z0-9]")) return "Letters, digits and . _ -; a letter or digit first";
  return "This text has not the expected form";
}

/** `models: ...` of a refusal goes to the field, if there is such a field. */
export function flawOfRefusal(message: string, schema: Schema, value: Value = {}): [string, string] | null {
  const found = /^([a-z_][^\s:]*)\s*:\s*(.+)$/is.exec(message);
  if (!found) return null;
  const [path = ""] = found[1]!.replaceAll("[", ".").replaceAll("]", "").split("?");
  const [first = "", ...rest] = path.split(".");
  const head = first.toLowerCase();
  return schema.properties && head in schema.properties ? [[head, ...placesOf(rest, value[head])].join("."), found[2]!] : null;
}

/** A path in which elements of lists go by their place: the API names those that have a name, which may hold dots. */
function placesOf(path: readonly string[], value: unknown): string[] {
  const [part, ...rest] = path;
  if (part === undefined) return [];
  if (!Array.isArray(value)) return [part, ...placesOf(rest, isObject(value) ? value[part] : undefined)];
  for (let end = 1; end <= path.length; end++) {
    const place = value.findIndex((one) => isObject(one) && one["name"] === path.slice(0, end).join("."));
    if (place >= 0) return [String(place), ...placesOf(path.slice(end), value[place])];
  }
  return [part, ...placesOf(rest, value[Number(part)])];
}

/** The merge patch (RFC 7396) that makes `after` of `before`, for the members that a body may have. */
export function mergePatch(before: Value, after: Value, names: readonly string[]): Value {
  const patch: Value = {};
  for (const name of names) {
    const [was, is] = [before[name], after[name]];
    if (JSON.stringify(was) === JSON.stringify(is)) continue;
    if (isObject(was) && isObject(is)) patch[name] = { ...Object.fromEntries(Object.keys(was).filter((key) => !(key in is)).map((key) => [key, null])), ...is };
    else patch[name] = is === undefined ? null : is;
  }
  return patch;
}

/** The merge patch that takes back another one, which was made for `before`. */
export function undoPatch(patch: Value, before: Value): Value {
  return Object.fromEntries(
    Object.entries(patch).map(([name, now]) => {
      const was = before[name];
      if (!isObject(now) || !isObject(was)) return [name, was ?? null];
      return [name, { ...Object.fromEntries(Object.keys(now).filter((key) => !(key in was)).map((key) => [key, null])), ...was }];
    }),
  );
}

export function isObject(value: unknown): value is Value {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

/** `rate_limits` -> "Rate limits" */
export function titleOf(name: string): string {
  const words = name.replaceAll("_", " ");
  return words[0]!.toUpperCase() + words.slice(1);
}
