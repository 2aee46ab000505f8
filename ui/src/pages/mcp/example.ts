// Arguments to begin with: what a schema requires, with a value of each one's type.

const DEPTH_MAX = 4;

export function exampleOf(schema: unknown, depth = 0): unknown {
  if (typeof schema !== "object" || schema === null || depth > DEPTH_MAX) return null;
  const one = schema as Record<string, unknown>;
  if ("default" in one) return one["default"];
  if ("const" in one) return one["const"];
  if (Array.isArray(one["enum"])) return one["enum"][0];
  const type = Array.isArray(one["type"]) ? one["type"][0] : one["type"];
  switch (type) {
    case "object": {
      const properties = (one["properties"] ?? {}) as Record<string, unknown>;
      const required = Array.isArray(one["required"]) ? (one["required"] as string[]) : [];
      return Object.fromEntries(required.filter((name) => name in properties).map((name) => [name, exampleOf(properties[name], depth + 1)]));
    }
    case "array": return [];
    case "string": return "";
    case "integer":
    case "number": return typeof one["minimum"] === "number" ? one["minimum"] : 0;
    case "boolean": return false;
    default: return depth === 0 ? {} : null;
  }
}
