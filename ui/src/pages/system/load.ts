// How busy processes are, from two looks at how much processor time each has used.

import type { Process } from "./types.ts";

export interface Look {
  at_ms: number;
  processes: readonly Process[];
}

/** The share of one core that each process has used between two looks, by its number; nothing for those that are new. */
export function cpuShares(before: Look | null, now: Look): Map<number, number> {
  const shares = new Map<number, number>();
  if (!before || now.at_ms <= before.at_ms) return shares;
  for (const one of now.processes) {
    const was = before.processes.find((other) => other.pid === one.pid);
    if (!was || was.cpu_s === null || one.cpu_s === null) continue;
    shares.set(one.pid, Math.max(0, ((one.cpu_s - was.cpu_s) * 1000) / (now.at_ms - before.at_ms)));
  }
  return shares;
}
