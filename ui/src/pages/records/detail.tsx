// One call: what came of it, where its time went, why it went there, what was said.

import { ActionIcon, Button, Drawer, Group, Skeleton, Tabs, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type KeyboardEvent, type ReactNode, useState } from "react";
import { CopyButton } from "@/kit/copy-button";
import { bytes, clock, duration, exact, exactMoney, money, moment } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { Problem } from "@/kit/problem";
import { useMay } from "@/kit/session";
import { BodyView } from "./body-view";
import { ConversationView } from "./conversation-view";
import { curlOf } from "./curl";
import { Made } from "./made";
import { Outcome } from "@/kit/outcome";
import { bodiesQuery, recordQuery } from "./queries";
import classes from "./records.module.css";
import { inputTokens, outputTokens, unitWords } from "@/kit/tokens";
import type { RecordDetail } from "./types";
import { Waterfall } from "./waterfall";

interface Props {
  id: string | undefined;
  onClose: () => void;
  onPrevious: (() => void) | undefined;
  onNext: (() => void) | undefined;
  onOpen: (id: string) => void;
  onFilter: (name: string, value: string) => void;
}

type Lead = Pick<Props, "onOpen" | "onFilter">;

export function Detail({ id, onClose, onPrevious, onNext, onOpen, onFilter }: Props) {
  const record = useQuery({ ...recordQuery(id ?? ""), enabled: id !== undefined, placeholderData: (before) => before });
  const onKey = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j" || event.key === "]") onNext?.();
    if (event.key === "k" || event.key === "[") onPrevious?.();
  };
  const title = (
    <Group gap={4} wrap="nowrap">
      <Tooltip label="Previous (k)"><ActionIcon aria-label="Previous record" disabled={!onPrevious} onClick={onPrevious}><Icon name="up" /></ActionIcon></Tooltip>
      <Tooltip label="Next (j)"><ActionIcon aria-label="Next record" disabled={!onNext} onClick={onNext}><Icon name="down" /></ActionIcon></Tooltip>
      <span className="mono clip">{id}</span>
      {id && <CopyButton value={id} label="Copy the id" />}
    </Group>
  );
  return (
    <Drawer opened={id !== undefined} onClose={onClose} size={760} title={title} onKeyDown={onKey} closeButtonProps={{ "aria-label": "Close" }} styles={{ title: { minWidth: 0 } }}>
      {record.error && <Problem error={record.error} what="The record" retry={() => void record.refetch()} />}
      {record.isPending && !record.error && <div className="late"><Skeleton height={24} mb="md" /><Skeleton height={160} mb="md" /><Skeleton height={90} /></div>}
      {record.data && !record.error && <Content record={record.data} onOpen={onOpen} onFilter={onFilter} />}
    </Drawer>
  );
}

function Content({ record, onOpen, onFilter }: { record: RecordDetail } & Lead) {
  const [tab, setTab] = useState<string | null>("summary");
  const mayRead = useMay("bodies:read");
  const mayPlay = useMay("playground:write");
  const stored = record.bodies !== null && mayRead;
  const bodies = useQuery({ ...bodiesQuery(record.id), enabled: stored });
  const sent = bodies.data?.request?.truncated ? null : bodies.data?.request?.text ?? null;
  const why = !mayRead ? "Your role may not read bodies." : record.bodies === null ? "The bodies of this call are not stored. They are off by default; a virtual key can switch them on for its calls (Store bodies)." : null;
  return (
    <>
      <div className={classes.top}>
        <h2 className="clip">{record.model_served || record.model_asked || "no model"}</h2>
        <Outcome record={record} long />
        <span className="muted" title={moment(record.started_ms)}>{clock(record.started_ms)}</span>
      </div>
      {record.error_code && <p className={classes.note} data-tone={record.outcome === "refused" ? "warn" : "bad"}><strong className="mono">{record.error_code}</strong> {record.error_message}</p>}
      <Tabs value={tab} onChange={setTab} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="summary">Summary</Tabs.Tab>
          <Tabs.Tab value="conversation">Conversation</Tabs.Tab>
          <Tabs.Tab value="raw">Raw</Tabs.Tab>
          <Tabs.Tab value="trace">Trace</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="summary"><Summary record={record} onOpen={onOpen} onFilter={onFilter} /></Tabs.Panel>
        <Tabs.Panel value="conversation">
          {why ? <NoBodies why={why} caller={mayRead ? record.caller : ""} /> : bodies.error ? <Problem error={bodies.error} what="The bodies" /> : bodies.data && <ConversationView bodies={bodies.data} />}
        </Tabs.Panel>
        <Tabs.Panel value="trace"><Trace id={record.trace_id} onFilter={onFilter} /></Tabs.Panel>
        <Tabs.Panel value="raw">
          {bodies.data && (
            <>
              <BodyView title="Request" body={bodies.data.request} />
              <BodyView title="Response" body={bodies.data.response} />
              <BodyView title="Request to the provider" body={bodies.data.upstream_request} />
              <BodyView title="Response of the provider" body={bodies.data.upstream_response} />
            </>
          )}
          {why && <NoBodies why={why} caller={mayRead ? record.caller : ""} />}
          <section className={classes.section}>
            <h3>Record</h3>
            <pre className={classes.raw} tabIndex={0}>{JSON.stringify(record, null, 2)}</pre>
          </section>
        </Tabs.Panel>
      </Tabs>
      <Group gap="xs" mt="md">
        <CopyButton value={curlOf(record, sent, location.origin)}>Copy as curl</CopyButton>
        {mayPlay && <Button variant="default" leftSection={<Icon name="playground" />} component={Link} {...({ to: "/playground", search: { record: record.id } } as object)}>Open in the playground</Button>}
      </Group>
    </>
  );
}

/** Why there is nothing to see, and where that is changed. */
function NoBodies({ why, caller }: { why: string; caller: string }) {
  const mayKeys = useMay("keys:read");
  return (
    <p className="muted">
      {why} {caller && mayKeys && <Link {...({ search: { key: caller } } as object)} to={"/keys" as string}>Open the key {caller}</Link>}
    </p>
  );
}

function Summary({ record, onOpen, onFilter }: { record: RecordDetail } & Lead) {
  const link = (name: string, value: string) => (value ? <button type="button" title={`Only records with ${value}`} onClick={() => onFilter(name, value)}>{value}</button> : <span className="muted">none</span>);
  const owner = record.caller ? <Link className="plain" to={"/keys" as string} search={{ key: record.caller } as never} title="Open the key">↗</Link> : null;
  return (
    <>
      <dl className={classes.facts}>
        <Fact name="Key">{link("caller", record.caller)} {owner}</Fact>
        <Fact name="Team">{link("team", record.team)}</Fact>
        {record.customer && <Fact name="Customer">{link("customer", record.customer)}</Fact>}
        <Fact name="Provider">{link("provider", record.provider)}</Fact>
        <Fact name="Provider key">{link("key_name", record.key_name)}</Fact>
        <Fact name="Model asked for">{link("model_asked", record.model_asked)}</Fact>
        <Fact name="Surface">{link("surface", record.surface)}</Fact>
        {record.parent_id && <Fact name="Made by"><button type="button" className="mono" title="Open the call that made this one" onClick={() => onOpen(record.parent_id)}>{record.parent_id}</button></Fact>}
        {record.session_id && <Fact name="Session"><Link className="plain mono" to={"/sessions" as string} search={{ id: record.session_id } as never} title="Open the session">{record.session}</Link></Fact>}
        {record.agent && <Fact name="Program">{link("agent", record.agent)}</Fact>}
        <Fact name="Latency"><span title={`${exact(record.latency_us)} µs`}>{duration(record.latency_us)}</span></Fact>
        <Fact name="First token">{duration(record.first_token_us)}</Fact>
        <Fact name="Cost"><span title={exactMoney(record.cost_nanousd)}>{record.cost_nanousd === null ? (record.attempts === 0 ? "none" : "unknown") : money(record.cost_nanousd)}</span></Fact>
        <Fact name="Input tokens">{exact(inputTokens(record))}{record.cache_read_tokens ? <span className="muted"> ({exact(record.cache_read_tokens)} cached)</span> : null}</Fact>
        <Fact name="Output tokens">{exact(outputTokens(record))}{record.reasoning_tokens ? <span className="muted"> ({exact(record.reasoning_tokens)} reasoning)</span> : null}</Fact>
        {record.units && <Fact name="By the piece">{unitWords(record.units)}</Fact>}
        {record.attempts > 0 && <Fact name="Usage from">{record.usage_source}</Fact>}
        <Fact name="Request, response">{bytes(record.request_bytes)}, {bytes(record.response_bytes)}</Fact>
        {record.cache && <Fact name="Cache">{record.cache}{record.cost_nanousd === 0 && record.cache_saved_nanousd !== null && <span className="muted" title={exactMoney(record.cache_saved_nanousd)}> saved {money(record.cache_saved_nanousd)}</span>}</Fact>}
        <Fact name="Response sent">{record.stream ? "as a stream" : "at once"}{record.attempts > 0 && (record.pass_through ? ", passed through" : ", translated")}</Fact>
        {Object.entries(record.tags).map(([name, value]) => <Fact key={name} name={`Tag ${name}`}><button type="button" title={`Only records with ${name}=${value}`} onClick={() => onFilter("tag", `${name}=${value}`)}>{value || "empty"}</button></Fact>)}
      </dl>
      <section className={classes.section}>
        <h3>Attempts</h3>
        <Waterfall record={record} />
      </section>
      <Made by={record.id} onOpen={onOpen} onFilter={onFilter} />
      {record.route_steps.length > 0 && (
        <section className={classes.section}>
          <h3>How the target was chosen</h3>
          <ol className={classes.steps}>{record.route_steps.map((step, index) => <li key={index}>{step}</li>)}</ol>
        </section>
      )}
      {record.notes && (
        <section className={classes.section}>
          <h3>What translation changed</h3>
          <ul className={classes.steps}>{record.notes.split("; ").map((note, index) => <li key={index}>{note}</li>)}</ul>
        </section>
      )}
    </>
  );
}

function Trace({ id, onFilter }: { id: string; onFilter: Props["onFilter"] }) {
  if (!id) return <p className="muted">This call has no trace: its caller sent none, and it was not sampled, or tracing is off.</p>;
  return (
    <>
      <p className="muted">The spans of this call have this id, from the caller to the provider. Look for it where your traces are.</p>
      <Group gap={4} wrap="nowrap"><span className="mono clip">{id}</span><CopyButton value={id} label="Copy the trace id" /></Group>
      <Button mt="sm" variant="default" onClick={() => onFilter("trace_id", id)}>Records of this trace</Button>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}
