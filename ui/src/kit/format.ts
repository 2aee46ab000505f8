// Numbers, times and money as people read them. Unknown is shown as "unknown" or a dash with that meaning, never as 0.

export const UNKNOWN = "–";
type Maybe = number | null | undefined;

const isUnknown = (value: Maybe): value is null | undefined => value === null || value === undefined || Number.isNaN(value);

/** 1234 -> "1,234" */
export function exact(value: Maybe): string {
  return isUnknown(value) ? UNKNOWN : value.toLocaleString("en-US", { maximumFractionDigits: 9 });
}

/** 1234 -> "1.23 k", 1_200_000 -> "1.2 M"; three digits that count. */
export function short(value: Maybe): string {
  if (isUnknown(value)) return UNKNOWN;
  const size = Math.abs(value);
  for (const [unit, word] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]] as const) {
    if (size >= unit * 0.9995) return `${digits(value / unit)} ${word}`;
  }
  return Number.isInteger(value) ? String(value) : digits(value);
}

function digits(value: number): string {
  const size = Math.abs(value);
  const shown = size >= 99.95 ? value.toFixed(0) : size >= 9.995 ? value.toFixed(1) : value.toFixed(2);
  return shown.includes(".") ? shown.replace(/\.?0+$/, "") : shown;
}

/** Nano-dollars with as many digits as matter: $1,234, $12.34, $0.02, $0.0042, "$0" for none at all. */
export function money(nanousd: Maybe): string {
  if (isUnknown(nanousd)) return UNKNOWN;
  const usd = nanousd / 1e9;
  const size = Math.abs(usd);
  const sign = usd < 0 ? "-" : "";
  if (size === 0) return "$0";
  if (size >= 999_950) return `${sign}$${digits(size / 1e6)} M`;
  if (size >= 9_999.5) return `${sign}$${digits(size / 1e3)} k`;
  if (size >= 100) return `${sign}$${size.toLocaleString("en-US", { maximumFractionDigits: 0 })}`;
  if (size >= 0.995) return `${sign}$${size.toFixed(2)}`;
  if (size < 0.000001) return `${sign}<$0.000001`;
  const places = Math.min(6, 1 - Math.floor(Math.log10(size)));
  return `${sign}$${size.toFixed(places).replace(/(\.\d\d)(\d*?)0+$/, "$1$2")}`;
}

/** Nano-dollars with every digit, for titles. */
export function exactMoney(nanousd: Maybe): string {
  return isUnknown(nanousd) ? "unknown" : `$${(nanousd / 1e9).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 9 })}`;
}

/** Microseconds: "340 ms", "1.24 s", "2 min 5 s". */
export function duration(us: Maybe): string {
  if (isUnknown(us)) return UNKNOWN;
  if (us < 1000) return `${Math.round(us)} µs`;
  const ms = us / 1000;
  if (ms < 999.5) return `${digits(ms)} ms`;
  const s = ms / 1000;
  if (s < 59.95) return `${digits(s)} s`;
  return span(s);
}

/** Seconds in two units: "2 min 5 s", "3 h 4 min", "12 days". */
export function span(seconds: Maybe): string {
  if (isUnknown(seconds)) return UNKNOWN;
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return two(s, 60, "min", 1, "s");
  if (s < 86400) return two(s, 3600, "h", 60, "min");
  const days = Math.round(s / 86400);
  return s < 3 * 86400 ? two(s, 86400, days === 1 ? "day" : "days", 3600, "h") : `${days} days`;
}

function two(s: number, large: number, largeWord: string, small: number, smallWord: string): string {
  const rest = Math.floor((s % large) / small);
  return `${Math.floor(s / large)} ${largeWord}${rest ? ` ${rest} ${smallWord}` : ""}`;
}

export function bytes(value: Maybe): string {
  if (isUnknown(value)) return UNKNOWN;
  for (const [unit, word] of [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]] as const) {
    if (value >= unit) return `${digits(value / unit)} ${word}`;
  }
  return `${value} B`;
}

/** A share of 0 to 1, or a growth: "12 %", "0.4 %", "<0.1 %", ">999 %". */
export function percent(share: Maybe): string {
  if (isUnknown(share)) return UNKNOWN;
  const value = share * 100;
  if (value === 0) return "0 %";
  if (Math.abs(value) < 0.1) return "<0.1 %";
  if (value >= 999.5) return ">999 %";
  return `${Math.abs(value) < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(0)} %`;
}

/** How a figure moved since the period before: +0.12 for 12 % more; null where there is nothing to compare with. */
export function change(now: Maybe, before: Maybe): number | null {
  return isUnknown(now) || isUnknown(before) || before === 0 ? null : (now - before) / before;
}

/** "in 3 h", "5 min ago", "just now". */
export function relative(at_ms: Maybe, now_ms: number = Date.now()): string {
  if (isUnknown(at_ms)) return UNKNOWN;
  const away = (at_ms - now_ms) / 1000;
  if (Math.abs(away) < 5) return "just now";
  const size = Math.abs(away);
  const words = size < 60 ? `${Math.round(size)} s` : size < 3600 ? `${Math.floor(size / 60)} min` : size < 86400 ? `${Math.floor(size / 3600)} h` : span(size);
  return away > 0 ? `in ${words}` : `${words} ago`;
}

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY_TIME = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const DAY_TIME_S = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const WHOLE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });

/** Today "14:03:22", else "26 Nov, 14:03". */
export function clock(at_ms: Maybe, now_ms: number = Date.now()): string {
  if (isUnknown(at_ms)) return UNKNOWN;
  const today = new Date(now_ms).toDateString() === new Date(at_ms).toDateString();
  return (today ? TIME : DAY_TIME).format(at_ms);
}

/** "14:03:22", on whatever day; with the day where it is needed. */
export function timeOfDay(at_ms: Maybe, withDay = false): string {
  return isUnknown(at_ms) ? UNKNOWN : (withDay ? DAY_TIME_S : TIME).format(at_ms);
}

/** The whole moment, for titles. */
export function moment(at_ms: Maybe): string {
  return isUnknown(at_ms) ? "unknown" : WHOLE.format(at_ms);
}

/** The zone in which all times are shown, which is the browser's: "Europe/Berlin (GMT+1)". */
export function zoneWords(at_ms: number = Date.now()): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const offset = new Intl.DateTimeFormat("en-GB", { timeZoneName: "shortOffset" }).formatToParts(at_ms).find((part) => part.type === "timeZoneName")?.value ?? "";
  return zone && zone !== "UTC" ? `${zone} (${offset})` : "UTC";
}

/** What the API says of a switch, in the words of one: "true: every call" -> "On: every call". */
export function switchWords(text: string): string {
  return text.replace(/\b(true|false): /g, (_, value: string, at: number) => `${at === 0 ? (value === "true" ? "On" : "Off") : value === "true" ? "on" : "off"}: `).replace(/\bDefault: (true|false)\b/, (_, value: string) => `Default: ${value === "true" ? "on" : "off"}`);
}

/** "1 key", "2 keys". */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${exact(number)} ${number === 1 ? one : many}`;
}

const WINDOWS: Record<string, string> = {
  s: "second", m: "minute", h: "hour", d: "day", w: "week", M: "month", Q: "quarter", Y: "year",
};

/** "1M" -> "month", "30s" -> "30 seconds", "run" -> "run". */
export function windowWords(window: string | null | undefined): string {
  if (!window) return "";
  const found = /^(\d+)([smhdwMQY])$/.exec(window);
  if (!found) return window;
  const word = WINDOWS[found[2]!]!;
  return found[1] === "1" ? word : `${found[1]} ${word}s`;
}
