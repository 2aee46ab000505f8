// What the palette makes of names and ids. Pure.

export interface Named {
  id?: string;
  name?: string;
  path?: string;
}

/** The names that contain what was typed, in any case; those that begin with it first. */
export function namesOf(items: readonly Named[], text: string, most: number): string[] {
  const wanted = text.trim().toLowerCase();
  const names = items.map((one) => one.id ?? one.path ?? one.name ?? "").filter((name) => name.toLowerCase().includes(wanted));
  return names.toSorted((a, b) => Number(b.toLowerCase().startsWith(wanted)) - Number(a.toLowerCase().startsWith(wanted))).slice(0, most);
}

/** The page that opens what has this id: of a call, or of a session. */
export function recordOrSession(text: string): ["records" | "sessions"] | [] {
  if (/^req_[0-9a-f]{12,}$/.test(text)) return ["records"];
  return /^ses_[0-9a-f]{12,}$/.test(text) ? ["sessions"] : [];
}
