// Where the calls of a session are on one line of time. Pure.
//
// A session may sleep for hours while a person thinks, and then its calls would be too thin to see. So the longest pauses
// are shortened, all to the same length, until they take a third of the line together; of long ones it is said.

export interface Timed {
  id: string;
  started_ms: number;
  latency_us: number;
  parent_id: string;
}

/** `left`, `width`: percent of the line. `depth`: 0, or one more than the call that made it. `idle_ms`: how long nothing
 *  was under way before, where that was long and is shortened; else 0. */
export interface Placed<T> {
  call: T;
  left: number;
  width: number;
  depth: number;
  idle_ms: number;
}

/** Of the time in which calls were under way: what the pauses may take together. */
const PAUSES_SHARE = 0.5;
/** A shorter one is not worth a line of its own. */
const SAID_MS = 30_000;

/** The calls in the order in which they began, those that others made behind their makers. */
export function place<T extends Timed>(calls: readonly T[]): Placed<T>[] {
  const ordered = calls.toSorted((a, b) => a.started_ms - b.started_ms || (a.id < b.id ? -1 : 1));
  const { busy_ms, pauses } = measure(ordered);
  const pause_ms = longestPause(pauses.filter((one) => one > 0), busy_ms * PAUSES_SHARE);
  const depths = new Map<string, number>();
  const first_ms = ordered[0]?.started_ms ?? 0;
  let cut_ms = 0;
  const places = ordered.map((call, at) => {
    const cut = Math.max(0, pauses[at]! - pause_ms);
    cut_ms += cut;
    const above = depths.get(call.parent_id);
    const depth = above === undefined ? 0 : above + 1;
    depths.set(call.id, depth);
    return { call, depth, idle_ms: cut > 0 && pauses[at]! >= SAID_MS ? pauses[at]! : 0, from_ms: call.started_ms - first_ms - cut_ms };
  });
  const whole_ms = Math.max(...places.map(({ call, from_ms }) => from_ms + call.latency_us / 1000), 0.001);
  return places.map(({ from_ms, ...placed }) => ({ ...placed, left: (from_ms / whole_ms) * 100, width: (placed.call.latency_us / 10 / whole_ms) }));
}

/** How long at least one call was under way, and for each call how long none was before it; in the order of begin. */
function measure(ordered: readonly Timed[]): { busy_ms: number; pauses: number[] } {
  let busy_ms = 0;
  let until_ms = ordered[0]?.started_ms ?? 0;
  const pauses = ordered.map((call) => {
    const pause = Math.max(0, call.started_ms - until_ms);
    const end_ms = call.started_ms + call.latency_us / 1000;
    busy_ms += Math.max(0, end_ms - Math.max(until_ms, call.started_ms));
    until_ms = Math.max(until_ms, end_ms);
    return pause;
  });
  return { busy_ms, pauses };
}

/** To what length pauses are shortened so that they take no more than `room_ms` together; Infinity where they do not. */
export function longestPause(pauses: readonly number[], room_ms: number): number {
  let left_ms = room_ms;
  for (const [at, pause] of pauses.toSorted((a, b) => a - b).entries()) {
    const share = left_ms / (pauses.length - at);
    if (pause > share) return share;
    left_ms -= pause;
  }
  return Infinity;
}
