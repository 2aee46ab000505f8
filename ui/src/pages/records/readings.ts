// What people type into filters -> what the API filters by; null if it makes no sense.

const TIMES_US: Record<string, number> = { us: 1, µs: 1, ms: 1e3, "": 1e3, s: 1e6, min: 6e7 };

/** "500 ms", "2s", "1.5 min"; a number alone is milliseconds. */
export function readDuration(text: string): string | null {
  const found = /^(\d+(?:\.\d+)?)\s*([a-zµ]*)$/i.exec(text.trim());
  const unit = found && TIMES_US[found[2]!.toLowerCase()];
  return unit ? String(Math.round(Number(found[1]) * unit)) : null;
}

/** "$0.05" or "0.05". */
export function readMoney(text: string): string | null {
  const found = /^\$?\s*(\d+(?:\.\d+)?)$/.exec(text.trim());
  return found ? String(Math.round(Number(found[1]) * 1e9)) : null;
}

/** "env=prod". */
export function readTag(text: string): string | null {
  return /^[a-z0-9._-]+=.+$/.test(text.trim()) ? text.trim() : null;
}
