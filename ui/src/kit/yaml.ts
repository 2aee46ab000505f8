// JSON values as YAML for people to copy into a configuration file. It writes only; nothing is read back.

const PLAIN = /^[A-Za-z_/][A-Za-z0-9_./*-]*$/;
const TAKEN = /^(true|false|yes|no|on|off|null|y|n|~)$/i;

export function toYaml(value: unknown, indent = ""): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    if (value.every((one) => one === null || typeof one !== "object")) return `[${value.map(scalar).join(", ")}]`;
    return value.map((one) => `\n${indent}- ${toYaml(one, `${indent}  `).replace(/^\n\s*/, "")}`).join("");
  }
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value);
    if (members.length === 0) return "{}";
    return members
      .map(([name, inner]) => {
        const text = toYaml(inner, `${indent}  `);
        return `\n${indent}${scalar(name)}:${text.startsWith("\n") ? text : ` ${text}`}`;
      })
      .join("");
  }
  return scalar(value);
}

function scalar(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return PLAIN.test(value) && !TAKEN.test(value) ? value : JSON.stringify(value);
}
