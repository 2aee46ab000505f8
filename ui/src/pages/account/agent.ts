// What a program calls itself (the header User-Agent), in words that a person knows it by. Pure.

const PROGRAMS: readonly [RegExp, string][] = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\bChrom(e|ium)\/|\bCriOS\//, "Chrome"],
  [/\bSafari\//, "Safari"],
  [/^curl\//, "curl"],
  [/^python/i, "Python"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux|X11/, "Linux"],
];
const CHARS_MAX = 40;

/** "Firefox on Linux"; what is not known is shown as it is, cut. */
export function agentWords(agent: string): string {
  const named = (table: readonly [RegExp, string][]) => table.find(([pattern]) => pattern.test(agent))?.[1];
  const [program, system] = [named(PROGRAMS), named(SYSTEMS)];
  if (program) return system ? `${program} on ${system}` : program;
  return agent.length > CHARS_MAX ? `${agent.slice(0, CHARS_MAX)}…` : agent || "unknown program";
}
