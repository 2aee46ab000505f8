// What runs: processes, workers, stores, providers with their circuits, and the snapshot that is served by. It asks again
// every two seconds, unless the tab is hidden or the page is paused.

import { Alert, Button } from "@mantine/core";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { get } from "@/kit/api";
import { bytes, clock, count, duration, exact, moment, percent, relative, short, span } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import { keys } from "@/kit/query";
import { SideScroll } from "@/kit/side-scroll";
import { Status, type Tone } from "@/kit/status";
import { useUrlState } from "@/kit/url-state";
import { cpuShares, type Look } from "./load";
import classes from "./system.module.css";
import type { Health, Process, Provider, Store, System, Worker } from "./types";

const ASK_AGAIN_MS = 2000;
/** From this lag on a worker's loop is too busy for its calls. */
const LAG_BAD_MS = 100;

const systemQuery = queryOptions({ queryKey: keys.list("system"), queryFn: ({ signal }) => get<System>("system", undefined, signal) });
const healthQuery = queryOptions({ queryKey: keys.list("health"), queryFn: ({ signal }) => get<Health>("health", undefined, signal) });

export default function SystemView() {
  const [url, setUrl] = useUrlState<{ paused: string | undefined }>({ paused: undefined });
  const refetchInterval = url.paused ? false : ASK_AGAIN_MS;
  const system = useQuery({ ...systemQuery, refetchInterval });
  const health = useQuery({ ...healthQuery, refetchInterval });
  const shares = useShares(system.data, system.dataUpdatedAt);
  const data = system.data;
  return (
    <>
      <PageHeader title="System" words="What runs, and how it is doing.">
        <Button variant="default" aria-pressed={url.paused !== undefined} leftSection={<Icon name={url.paused ? "play" : "pause"} size={14} />} onClick={() => setUrl({ paused: url.paused ? undefined : "1" })}>{url.paused ? "Continue" : "Pause"}</Button>
      </PageHeader>
      {system.error && !data ? <Problem error={system.error} what="The state of the system" retry={() => void system.refetch()} /> : !data ? <p className="muted late">Loading…</p> : (
        <div className={classes.page}>
          {data.snapshot.problems.length > 0 && (
            <Alert color="red" icon={<Icon name="warning" />} title="The newest configuration is not served">
              Calls are served by the one before. What is wrong with the newest:
              <ul className={classes.problems}>{data.snapshot.problems.map((one) => <li key={one}>{one}</li>)}</ul>
            </Alert>
          )}
          <Facts system={data} />
          <Processes rows={data.processes} shares={shares} />
          <Workers rows={data.workers} />
          {health.data ? <Providers rows={health.data.providers} /> : health.error ? <Problem error={health.error} what="The providers" retry={() => void health.refetch()} /> : null}
          <Stores rows={data.stores} />
        </div>
      )}
    </>
  );
}

/** The look before the newest one is kept, so that a share of the processor can be told. */
function useShares(system: System | undefined, at_ms: number): Map<number, number> {
  const last = useRef<Look | null>(null);
  const [shares, setShares] = useState<Map<number, number>>(new Map());
  useEffect(() => {
    if (!system) return;
    const now = { at_ms, processes: system.processes };
    setShares(cpuShares(last.current, now));
    last.current = now;
  }, [system, at_ms]);
  return shares;
}

function Facts({ system }: { system: System }) {
  const started_ms = Date.parse(system.started_at);
  const { snapshot } = system;
  return (
    <dl className={classes.facts}>
      <div><dt>Version</dt><dd>{system.version}</dd></div>
      <div><dt>Control process</dt><dd title={moment(started_ms)}>up for {span((Date.now() - started_ms) / 1000)}</dd></div>
      <div><dt>Snapshot</dt><dd title={snapshot.made_ms ? `Compiled ${moment(snapshot.made_ms)}` : undefined}>number {snapshot.id}{snapshot.made_ms > 0 && <span className="muted"> {relative(snapshot.made_ms)}</span>}</dd></div>
      <div><dt>Configuration</dt><dd title={system.settings_source ?? undefined}>{system.settings_source ?? "built-in defaults"}</dd></div>
    </dl>
  );
}

function Section({ title, words, children }: { title: string; words?: ReactNode; children: ReactNode }) {
  return (
    <section className={classes.section}>
      <h2>{title}{words && <span className="muted">{words}</span>}</h2>
      <SideScroll label={title}>{children}</SideScroll>
    </section>
  );
}

const STATES: Record<Process["state"], Tone> = { ready: "ok", starting: "warn", down: "bad" };

function Processes({ rows, shares }: { rows: readonly Process[]; shares: ReadonlyMap<number, number> }) {
  const memory = rows.reduce((sum, row) => sum + (row.rss_bytes ?? 0), 0);
  return (
    <Section title="Processes" words={`${bytes(memory)} of memory in all`}>
      <table className={classes.table}>
        <thead><tr><th scope="col">Process</th><th scope="col" data-left>State</th><th scope="col">Up for</th><th scope="col">Memory</th><th scope="col">CPU now</th><th scope="col">CPU time</th><th scope="col">PID</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.role}>
              <td>{row.role}</td>
              <td data-left><Status tone={STATES[row.state]}>{row.state}</Status></td>
              <td title={moment(row.started_ms)}>{row.started_ms ? span((Date.now() - row.started_ms) / 1000) : "–"}</td>
              <td title={exact(row.rss_bytes)}>{bytes(row.rss_bytes)}</td>
              <td title="Of one core, since the last look">{percent(shares.get(row.pid) ?? null)}</td>
              <td>{row.cpu_s === null ? "–" : duration(row.cpu_s * 1e6)}</td>
              <td className="muted">{row.pid}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Workers({ rows }: { rows: readonly Worker[] }) {
  const newest = Math.max(...rows.map((row) => row.feed_version ?? 0), 0);
  return (
    <Section title="Workers" words={rows.length === 0 ? "none has reported yet" : `${count(rows.reduce((sum, row) => sum + row.in_flight, 0), "call")} in flight`}>
      <table className={classes.table}>
        <thead><tr><th scope="col">Worker</th><th scope="col">In flight</th><th scope="col">Queued</th><th scope="col">Connections</th><th scope="col" title="How late its event loop is">Loop lag</th><th scope="col" title="Parts of limits that it holds in advance">Limit leases</th><th scope="col" title="The last change of keys and owners that it has applied">Feed version</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.index}>
              <td>worker-{row.index}</td>
              <td>{exact(row.in_flight)}</td>
              <td style={row.queued > 0 ? { color: "var(--warn)" } : undefined}>{exact(row.queued)}</td>
              <td>{exact(row.open_connections)}</td>
              <td style={row.loop_lag_ms >= LAG_BAD_MS ? { color: "var(--bad)" } : undefined}>{duration(row.loop_lag_ms * 1000)}</td>
              <td>{exact(row.leases)}</td>
              <td>{row.feed_version === null ? "–" : row.feed_version < newest ? <Status tone="warn" title={`The newest is ${newest}`}>{row.feed_version}</Status> : row.feed_version}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Providers({ rows }: { rows: readonly Provider[] }) {
  const open = rows.reduce((sum, row) => sum + row.circuits.length, 0);
  return (
    <Section title="Providers" words={open ? `${count(open, "circuit")} not closed` : "all circuits are closed"}>
      <table className={classes.table}>
        <thead><tr><th scope="col">Provider</th><th scope="col" data-left>Circuits</th><th scope="col" data-left>Keys</th><th scope="col">Calls, 5 min</th><th scope="col">Failed</th><th scope="col">Latency p95</th><th scope="col">In flight</th><th scope="col">Queued</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <td><Link className="plain" {...({ to: "/records", search: { provider: row.name } } as object)} to={"/records" as string}>{row.name}</Link></td>
              <td data-left>{row.circuits.length === 0 ? <Status tone="ok">closed</Status> : row.circuits.map((one) => <Status key={one.target} tone={one.state === "open" ? "bad" : "warn"} title={`Tried again ${relative(one.until_ms)}`}>{one.target}: {one.state === "open" ? `open, tried again ${relative(one.until_ms)}` : "being tried"}</Status>)}</td>
              <td data-left><Keys row={row} /></td>
              <td>{short(row.calls_5m)}</td>
              <td style={row.failed_5m > 0 ? { color: "var(--bad)" } : undefined}>{row.calls_5m ? percent(row.failed_5m / row.calls_5m) : "–"}</td>
              <td>{duration(row.latency_p95_us)}</td>
              <td>{exact(row.in_flight)}</td>
              <td style={row.queued > 0 ? { color: "var(--warn)" } : undefined}>{exact(row.queued)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Keys({ row }: { row: Provider }) {
  const cooling = row.keys.filter((key) => key.state !== "ok" || key.models_cooling > 0);
  if (row.keys.length === 0) return <span className="muted">needs none</span>;
  if (cooling.length === 0) return <Status tone="ok">{count(row.keys.length, "key")} ready</Status>;
  return <Status tone="warn" title={cooling.map((key) => `${key.name}: ${key.state}${key.cooling_until_ms ? `, again ${relative(key.cooling_until_ms)}` : ""}`).join("; ")}>{cooling.length} of {row.keys.length} not ready</Status>;
}

function Stores({ rows }: { rows: readonly Store[] }) {
  return (
    <Section title="Stores">
      <table className={classes.table}>
        <thead><tr><th scope="col">Store</th><th scope="col" data-left>Where</th><th scope="col">Size</th><th scope="col">Records</th><th scope="col">Oldest</th><th scope="col" title="Records that workers hold until they are written">To be written</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <td>{row.name}</td>
              <td data-left className={`mono ${classes.long}`} title={row.url}>{row.url}</td>
              <td title={exact(row.bytes)}>{bytes(row.bytes)}</td>
              <td title={exact(row.records)}>{short(row.records)}</td>
              <td title={moment(row.oldest_ms)}>{clock(row.oldest_ms)}</td>
              <td>{exact(row.behind_rows)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}
