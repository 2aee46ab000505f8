import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuShares } from "./load.ts";

const process = (pid: number, cpu_s: number | null) => ({ role: "worker-0", pid, started_ms: 0, state: "ready" as const, rss_bytes: null, cpu_s });

test("the share of a core is what was used since the look before", () => {
  const shares = cpuShares({ at_ms: 1000, processes: [process(1, 10), process(2, null)] }, { at_ms: 3000, processes: [process(1, 11), process(2, 5), process(3, 9)] });
  assert.deepEqual([...shares], [[1, 0.5]]);
});

test("without a look before nothing is known", () => {
  assert.equal(cpuShares(null, { at_ms: 1, processes: [process(1, 1)] }).size, 0);
  assert.equal(cpuShares({ at_ms: 5, processes: [process(1, 1)] }, { at_ms: 5, processes: [process(1, 2)] }).size, 0);
});
