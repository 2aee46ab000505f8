// Where the calls of a session are on one line of time. Pure.
//
// A session may sleep for hours while a person thinks, and then its calls would be too thin to see. So time in which no
// call was under way is shortened to a little, and said.

export interface Timed {
  id: string;
  started_ms: number;
  latency_us: number;
  parent_id: string;
}

/** `left`, `width`: percent of the line. `depth`: 0, or one more than the call that made it. `idle_ms`: how long nothing
 *  was under way before, where that was shortened; else 0. */
export interface Placed<T> {
  call: T;
  left: number;
  width: number;
  depth: number;
  idle_ms: number;
}

/** What is left of a longer pause: a share of the time in which calls were under way. */
const PAUSE_SHARE = 0.04;
const PAUSE_LEAST_MS = 1_000;

/** The calls in the order in which they began, those that others made behind their makers. */
export function place<T extends Timed>(calls: readonly T[]): Placed<T>[] {
  const ordered = calls.toSorted((a, b) => a.started_ms - b.started_ms || (a.id < b.id ? -1 : 1));
  const pause_ms = Math.max(PAUSE_LEAST_MS, busyTime(ordered) * PAUSE_SHARE);
  const depths = new Map<string, number>();
  let until_ms = ordered[0]?.started_ms ?? 0;
  let cut_ms = 0;
  const first_ms = until_ms;
  const places = ordered.map((call) => {
    const pause = call.started_ms - until_ms;
    const idle_ms = pause > pause_ms ? pause : 0;
    if (idle_ms) cut_ms += pause - pause_ms;
    until_ms = Math.max(until_ms, endOf(call));
    const above = depths.get(call.parent_id);
    const depth = above === undefined ? 0 : above + 1;
    depths.set(call.id, depth);
    return { call, from: call.started_ms - first_ms - cut_ms, depth, idle_ms };
  });
  const whole = Math.max(until_ms - first_ms - cut_ms, 0.001);
  return places.map(({ call, from, depth, idle_ms }) => ({ call, depth, idle_ms, left: (from / whole) * 100, width: (call.latency_us / 1000 / whole) * 100 }));
}

/** Milliseconds in which at least one call was under way; the calls in the order in which they began. */
export function busyTime(ordered: readonly Timed[]): number {
  let busy_ms = 0;
  let until_ms = -Infinity;
  for (const call of ordered) {
    const end_ms = endOf(call);
    busy_ms += Math.max(0, end_ms - Math.max(until_ms, call.started_ms));
    until_ms = Math.max(until_ms, end_ms);
  }
  return busy_ms;
}

function endOf(call: Timed): number {
  return call.started_ms + call.latency_us / 1000;
}
