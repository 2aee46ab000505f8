// A dry run: where a recent call, or one that is described, would go by the rules. Nothing is sent or stored.

import { Alert, Button, Group, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { post, wordsOf } from "@/kit/api";
import { clock, percent } from "@/kit/format";
import type { Value } from "@/kit/schema";
import { useMay } from "@/kit/session";
import { Status } from "@/kit/status";
import { recentQuery, type TrialResult } from "./queries";
import classes from "./rules.module.css";

interface Props {
  /** As it is in the form, saved or not; null: the rules as they are. */
  rule: Value | null;
  /** A call to begin with. */
  record?: string | undefined;
}

export function Trial({ rule, record }: Props) {
  const mayRecords = useMay("records:read");
  const [by, setBy] = useState<"record" | "described">(mayRecords ? "record" : "described");
  const [id, setId] = useState<string | null>(record ?? null);
  const [call, setCall] = useState({ model: "", key: "", surface: "openai", header: "" });
  const [result, setResult] = useState<TrialResult | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const recent = useQuery({ ...recentQuery, enabled: mayRecords && by === "record" });
  const calls = recent.data ?? [];
  const chosen = id ?? calls[0]?.id ?? null;
  const text = JSON.stringify(rule);
  // A result is of the rule that was tried, not of another one.
  useEffect(() => { setResult(null); setFailed(null); }, [text, by, chosen]);

  const run = async () => {
    setBusy(true);
    setFailed(null);
    try {
      const about = by === "record" ? { record_id: chosen } : { request: { model: call.model.trim(), key: call.key.trim(), surface: call.surface, headers: headersOf(call.header) } };
      setResult(await post<TrialResult>("routing-rules/try", { rule, ...about }));
    } catch (error) {
      setResult(null);
      setFailed(wordsOf(error));
    }
    setBusy(false);
  };
  const options = calls.map((one) => ({ value: one.id, label: `${clock(one.started_ms)}  ${one.model_asked || "no model"}  ${one.caller || "no key"}` }));
  if (id && !options.some((one) => one.value === id)) options.unshift({ value: id, label: id });
  return (
    <section className={classes.trial} aria-label="Dry run">
      <Group justify="space-between">
        <h3>Dry run</h3>
        {mayRecords && <SegmentedControl size="xs" aria-label="Try by" data={[{ value: "record", label: "A recent call" }, { value: "described", label: "Describe one" }]} value={by} onChange={(next) => setBy(next as typeof by)} />}
      </Group>
      {by === "record" ? (
        <Select size="sm" aria-label="Call" data={options} value={chosen} onChange={setId} searchable allowDeselect={false} nothingFoundMessage="No recent call" placeholder={recent.isPending ? "" : "There was no call yet"} maxDropdownHeight={300} />
      ) : (
        <div className={classes.described}>
          <TextInput label="Model" placeholder="openai/gpt-4o" value={call.model} onChange={(event) => setCall({ ...call, model: event.currentTarget.value })} spellCheck={false} />
          <TextInput label="Virtual key" placeholder="none" value={call.key} onChange={(event) => setCall({ ...call, key: event.currentTarget.value })} spellCheck={false} />
          <Select label="API surface" data={["openai", "anthropic"]} value={call.surface} onChange={(surface) => setCall({ ...call, surface: surface ?? "openai" })} allowDeselect={false} />
          <TextInput label="Header" placeholder="user-agent: claude-cli" value={call.header} onChange={(event) => setCall({ ...call, header: event.currentTarget.value })} spellCheck={false} />
        </div>
      )}
      <Button variant="default" style={{ alignSelf: "flex-start" }} loading={busy} disabled={by === "record" ? !chosen : !call.model.trim()} onClick={() => void run()}>Try it</Button>
      <div role="status">{result && <Result result={result} name={typeof rule?.["name"] === "string" ? rule["name"] : ""} />}</div>
      {failed && <Alert color="red" role="alert">{failed}</Alert>}
    </section>
  );
}

function Result({ result, name }: { result: TrialResult; name: string }) {
  const applied = name !== "" && result.matched.includes(name);
  const steps = result.route.split("; ").filter(Boolean);
  return (
    <div className={classes.result}>
      {result.problems.map((problem, index) => (
        <Alert key={index} color="yellow">
          {problem.message.charAt(0).toUpperCase() + problem.message.slice(1)}
          {problem.line !== null && <span className="muted"> (line {problem.line}, column {problem.column})</span>}
        </Alert>
      ))}
      <Status tone={applied || (name === "" && result.matched.length > 0) ? "ok" : "plain"}>
        {applied ? "This rule applies to the call" : name !== "" ? "This rule does not apply to the call" : result.matched.length ? `Decided by ${result.matched.join(", then ")}` : "No rule applies"}
      </Status>
      <dl className={classes.facts}>
        <div><dt>Goes to</dt><dd>{result.targets.map((one, index) => <div key={index}><span className="mono">{one.provider ? `${one.provider}/` : ""}{one.model}</span>{one.key && <span className="muted"> key {one.key}</span>}{result.targets.length > 1 && <span className="muted"> {percent(one.weight)}</span>}</div>)}</dd></div>
        {result.fallbacks.length > 0 && <div><dt>Then to</dt><dd className="mono">{result.fallbacks.join(", ")}</dd></div>}
        {result.matched.length > 0 && name !== "" && <div><dt>Rules</dt><dd>{result.matched.join(", then ")}</dd></div>}
        {steps.length > 0 && <div><dt>Trace</dt><dd><ol className={classes.steps}>{steps.map((step, index) => <li key={index}>{step}</li>)}</ol></dd></div>}
      </dl>
    </div>
  );
}

/** `name: value` as an object; {} for nothing. */
function headersOf(line: string): Record<string, string> {
  const [name, ...rest] = line.split(":");
  return name?.trim() && rest.length ? { [name.trim().toLowerCase()]: rest.join(":").trim() } : {};
}
