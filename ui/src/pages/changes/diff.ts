// What a change did to an object, member by member. It draws nothing.

export interface Difference {
  /** `providers.0.models`; "" for the whole. */
  path: string;
  kind: "added" | "removed" | "changed";
  before?: unknown;
  after?: unknown;
}

/** The members that differ, in the order of the objects; lists of plain values are compared as a whole. */
export function differences(before: unknown, after: unknown, path = ""): Difference[] {
  if (same(before, after)) return [];
  const both = isOpen(before) && isOpen(after) && Array.isArray(before) === Array.isArray(after);
  if (!both && path !== "") return [one(path, before, after)];
  if (both && Array.isArray(before) && !hasObjects(before) && !hasObjects(after as unknown[])) return [one(path, before, after)];
  const [was, is] = [isOpen(before) ? before : {}, isOpen(after) ? after : {}] as [Record<string, unknown>, Record<string, unknown>];
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  return names.flatMap((name) => differences(was[name], is[name], path ? `${path}.${name}` : name));
}

function one(path: string, before: unknown, after: unknown): Difference {
  if (isNothing(before)) return { path, kind: "added", after };
  if (isNothing(after)) return { path, kind: "removed", before };
  return { path, kind: "changed", before, after };
}

/** A value as the diff shows it: text as it is, the rest as JSON. */
export function shown(value: unknown): string {
  if (isNothing(value)) return "none";
  return typeof value === "string" ? value : JSON.stringify(value, null, isOpen(value) && hasObjects(Object.values(value)) ? 2 : undefined);
}

/** The names of what differs, without what is in them: "budgets, models". */
export function changedNames(before: unknown, after: unknown): string[] {
  return [...new Set(differences(before, after).map((difference) => difference.path.split(".")[0]!))];
}

function isOpen(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined;
}

function hasObjects(values: readonly unknown[]): boolean {
  return values.some(isOpen);
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}
