// One session: its sums, and its calls on a line of time. A call leads to its record.

import { Button, Group, Skeleton } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { CopyButton } from "@/kit/copy-button";
import { clock, count, duration, exact, exactMoney, money, moment, short, span, timeOfDay } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { StandingBars } from "@/kit/limit-bars";
import { Outcome } from "@/kit/outcome";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import { fixedRange } from "@/kit/ranges";
import { Status } from "@/kit/status";
import { inputTokens, outputTokens } from "@/kit/tokens";
import type { CallRecord } from "@/kit/types";
import { Cost } from "./columns";
import { callsQuery, goesOn, sessionQuery } from "./queries";
import classes from "./sessions.module.css";
import { type Placed, place } from "./timeline";
import type { AgentSession, OneSession } from "./types";
import { agentWords, ownerWords } from "./words";

export function SessionDetail({ id, onBack }: { id: string; onBack: () => void }) {
  const session = useQuery(sessionQuery(id));
  return (
    <>
      <PageHeader title="Session">
        <Button variant="default" leftSection={<Icon name="left" size={14} />} onClick={onBack}>All sessions</Button>
      </PageHeader>
      {session.error && !session.data && <Problem error={session.error} what="The session" retry={() => void session.refetch()} />}
      {session.isPending && <div className="late"><Skeleton height={90} mb="md" /><Skeleton height={220} /></div>}
      {session.data && <Content one={session.data} />}
    </>
  );
}

function Content({ one }: { one: OneSession }) {
  return (
    <div className={classes.page}>
      <Group gap={8} wrap="nowrap" className={classes.name}>
        <h2>{agentWords(one.agent)}</h2>
        <span className="mono clip">{one.session}</span>
        <CopyButton value={one.session} label="Copy the name of the session" />
        {goesOn(one) && <Status tone="ok">active</Status>}
      </Group>
      <dl className={classes.facts}>
        <Fact name="Key"><Narrow by="caller" value={one.caller} /></Fact>
        {one.team && <Fact name="Team"><Narrow by="team" value={one.team} /></Fact>}
        {one.customer && <Fact name="Customer"><Narrow by="customer" value={one.customer} /></Fact>}
        <Fact name="First call"><span title={moment(one.first_ms)}>{clock(one.first_ms)}</span></Fact>
        <Fact name="Last call"><span title={moment(one.last_ms)}>{clock(one.last_ms)}</span></Fact>
        <Fact name="Took">{duration((one.last_ms - one.first_ms) * 1000)}</Fact>
        <Fact name="Calls">{exact(one.calls)}</Fact>
        <Fact name="Tool calls">{exact(one.tool_calls)}</Fact>
        <Fact name="Failed">{one.failed ? <Status tone="bad">{exact(one.failed)}</Status> : "0"}</Fact>
        <Fact name="Input tokens"><span title={exact(one.input_tokens)}>{short(one.input_tokens)}</span>{one.cached_tokens > 0 && <span className="muted" title={exact(one.cached_tokens)}> ({short(one.cached_tokens)} cached)</span>}</Fact>
        <Fact name="Output tokens"><span title={exact(one.output_tokens)}>{short(one.output_tokens)}</span></Fact>
        <Fact name="Cost"><Cost of={one} /></Fact>
        <Fact name={one.models.length === 1 ? "Model" : "Models"}>{one.models.join(", ") || "none"}</Fact>
      </dl>
      {one.limits.length > 0 && (
        <section aria-label="Limits of this session">
          <h2 className={classes.title}>Limits of this session</h2>
          <StandingBars standings={one.limits} words={(limit) => ownerWords(limit.owner)} />
        </section>
      )}
      <Timeline one={one} />
    </div>
  );
}

function Timeline({ one }: { one: AgentSession }) {
  const calls = useInfiniteQuery(callsQuery(one));
  const placed = useMemo(() => place(calls.data?.pages.flatMap((page) => page.items) ?? []), [calls.data]);
  const days = new Date(one.first_ms).toDateString() !== new Date(one.last_ms).toDateString();
  const missing = one.calls + one.tool_calls - placed.length;
  return (
    <section aria-label="Timeline">
      <Group justify="space-between" mb={8} gap="xs">
        <h2 className={classes.title}>Timeline</h2>
        <Link to={"/records" as string} search={{ session: one.session, caller: one.caller, range: fixedRange({ since_ms: one.first_ms, until_ms: one.last_ms + 1 }) } as never}>Show as records</Link>
      </Group>
      {calls.error && <Problem error={calls.error} what="The calls" retry={() => void calls.refetch()} />}
      {calls.isPending && <div className="late"><Skeleton height={180} /></div>}
      {calls.hasNextPage && <Button variant="default" mb={8} loading={calls.isFetchingNextPage} onClick={() => void calls.fetchNextPage()}>Show earlier calls</Button>}
      {calls.data && !calls.hasNextPage && missing > 0 && <p className="muted">Records of earlier calls are no longer kept: {count(missing, "call")}.</p>}
      <div className={classes.timeline}>
        {placed.length > 0 && (
          <div className={classes.heads} aria-hidden="true">
            <span>Began</span><span>Model or tool</span><span className={classes.trackHead}>When and how long</span><span className={classes.number}>Took</span>
            <span className={`${classes.number} ${classes.wide}`}>Tokens in/out</span><span className={`${classes.number} ${classes.wide}`}>Cost</span><span>Status</span>
          </div>
        )}
        <ol className={classes.calls}>{placed.map((row) => <Row key={row.call.id} row={row} days={days} />)}</ol>
      </div>
    </section>
  );
}

/** `days`: the session is of several, so that a time alone does not say when. */
function Row({ row: { call, left, width, depth, idle_ms }, days }: { row: Placed<CallRecord>; days: boolean }) {
  const isTool = call.surface.startsWith("mcp.");
  const tokens = inputTokens(call) === null && outputTokens(call) === null ? "" : `${short(inputTokens(call))} / ${short(outputTokens(call))}`;
  return (
    <>
      {idle_ms > 0 && <li className={classes.idle}>{span(idle_ms / 1000)} without calls</li>}
      <li className={classes.call}>
        <span className="muted" title={moment(call.started_ms)}>{timeOfDay(call.started_ms, days)}</span>
        <span className="clip" style={{ paddingLeft: Math.min(depth, 4) * 14 }}>
          <Link className={classes.open} to={"/records" as string} search={{ id: call.id } as never} title={`${call.surface}: open its record`}>{(isTool ? [call.provider, call.model_served] : [call.model_served || call.model_asked]).filter(Boolean).join("/") || call.surface}</Link>
          {isTool && <span className="muted"> tool</span>}
        </span>
        <span className={classes.track} aria-hidden="true">
          <span className={classes.bar} data-tone={call.outcome === "ok" ? (isTool ? "tool" : "ok") : call.outcome === "cancelled" ? "plain" : "bad"} style={{ left: `${Math.min(left, 99.5)}%`, width: `${width}%` }} />
        </span>
        <span className={classes.number} title={`${exact(call.latency_us)} µs`}>{duration(call.latency_us)}</span>
        <span className={`${classes.number} ${classes.wide}`} title={`${exact(inputTokens(call))} tokens in, ${exact(outputTokens(call))} out`}>{tokens}</span>
        <span className={`${classes.number} ${classes.wide}`} title={exactMoney(call.cost_nanousd)}>{money(call.cost_nanousd)}</span>
        <span title={call.error_code}><Outcome record={call} /></span>
      </li>
    </>
  );
}

function Narrow({ by, value }: { by: string; value: string }) {
  if (!value) return <span className="muted">none</span>;
  return <Link className="plain" to={"/sessions" as string} search={{ [by]: value } as never} title={`Sessions of ${value}`}>{value}</Link>;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}
