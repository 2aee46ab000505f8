// Ranges of time as they are written in the URL: `24h` up to now, or `1764201600000-1764288000000`.

export interface Span {
  since_ms: number;
  until_ms: number;
}

export const RANGES = [
  ["15m", "Last 15 minutes"],
  ["1h", "Last hour"],
  ["6h", "Last 6 hours"],
  ["24h", "Last 24 hours"],
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
] as const;

export const RANGE_DEFAULT = "24h";

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const STEPS_S = [60, 300, 900, 1800, 3600, 10800, 21600, 86400];
const POINTS_MAX = 180;

/** The span that a range means at this moment; the default one for a range that makes no sense. */
export function spanOf(range: string | undefined, now_ms: number): Span {
  const fixed = /^(\d{10,15})-(\d{10,15})$/.exec(range ?? "");
  if (fixed && Number(fixed[1]) < Number(fixed[2])) return { since_ms: Number(fixed[1]), until_ms: Number(fixed[2]) };
  const rolling = /^([1-9]\d{0,3})([mhd])$/.exec(range ?? "") ?? /^(\d+)([mhd])$/.exec(RANGE_DEFAULT)!;
  return { since_ms: now_ms - Number(rolling[1]) * UNITS[rolling[2]!]!, until_ms: now_ms };
}

/** Whether the range moves with the clock. */
export function isRolling(range: string | undefined): boolean {
  return !/^\d+-\d+$/.test(range ?? "");
}

export function fixedRange(span: Span): string {
  return `${Math.round(span.since_ms)}-${Math.round(span.until_ms)}`;
}

/** Seconds per point, so that a chart has a few dozen to 180 of them. */
export function stepOf(span: Span): number {
  const seconds = (span.until_ms - span.since_ms) / 1000;
  return STEPS_S.find((step) => seconds / step <= POINTS_MAX) ?? STEPS_S[STEPS_S.length - 1]!;
}
