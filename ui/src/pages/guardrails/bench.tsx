// The test bench: what rules find in a text, highlighted while it is typed. Nothing is sent to a provider or stored.

import { Alert, Select, Textarea } from "@mantine/core";
import { useEffect, useState } from "react";
import { post, wordsOf } from "@/kit/api";
import type { Value } from "@/kit/schema";
import { Status } from "@/kit/status";
import classes from "./guardrails.module.css";
import { type Findings, PLACE_WORDS, PLACES, pieces } from "./rule";

const PAUSE_MS = 250;
const MEMBERS = new Set(["name", "checks", "action", "with", "places", "when", "operations", "hold", "credentials"]);
const EXAMPLE = "My key is ghp_16C7e42F292c6912E7710c838347Ae178B4a, mail it to jane.doe@example.org.";

interface Props {
  /** As it is in the form, saved or not; null: the rules as they are. */
  rule: Value | null;
}

export function Bench({ rule }: Props) {
  const [text, setText] = useState("");
  const [place, setPlace] = useState<string>("input");
  const [found, setFound] = useState<{ text: string; of: Findings } | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const written = JSON.stringify(rule);
  useEffect(() => {
    if (!text) { setFound(null); setFailed(null); return undefined; }
    let current = true;
    const timer = setTimeout(() => {
      const body = { text, place, rule: written === "null" ? null : bodyOf(JSON.parse(written) as Value) };
      post<Findings>("guardrails/try", body).then(
        (of) => { if (current) { setFound({ text, of }); setFailed(null); } },
        (error: unknown) => { if (current) { setFound(null); setFailed(wordsOf(error)); } },
      );
    }, PAUSE_MS);
    return () => { current = false; clearTimeout(timer); };
  }, [text, place, written]);

  return (
    <section className={classes.bench} aria-label="Test bench">
      <div className={classes.line}>
        <h3>Test bench</h3>
        <Select size="xs" aria-label="Place" data={PLACES.map((one) => ({ value: one, label: PLACE_WORDS[one] ?? one }))} value={place} onChange={(next) => setPlace(next ?? "input")} allowDeselect={false} w={160} />
      </div>
      <Textarea aria-label="Text to check" placeholder={EXAMPLE} autosize minRows={3} maxRows={12} value={text} onChange={(event) => setText(event.currentTarget.value)} spellCheck={false} />
      <div role="status">{found && <Result text={found.text} found={found.of} />}</div>
      {failed && <Alert color="red" role="alert">{failed}</Alert>}
    </section>
  );
}

/** Of what the form holds only what a rule is made of. */
function bodyOf(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([name, one]) => MEMBERS.has(name) && (name !== "name" || one !== "")));
}

function Result({ text, found }: { text: string; found: Findings }) {
  if (found.problems.length) return <>{found.problems.map((problem) => <Alert key={problem} color="yellow">{problem}</Alert>)}</>;
  const changed = found.text !== text;
  return (
    <div className={classes.result}>
      <Status tone={found.blocked_by ? "bad" : found.findings.length ? "warn" : "ok"}>
        {found.blocked_by ? `Refused by ${found.blocked_by}` : found.findings.length ? `${found.findings.length} ${found.findings.length === 1 ? "finding" : "findings"}` : "Nothing found"}
      </Status>
      <p className={classes.text} data-testid="highlighted">
        {pieces(text, found.findings).map((piece, index) => (piece.kinds.length ? <mark key={index} title={piece.kinds.join(", ")}>{piece.text}<span className={classes.kind}>{piece.kinds.join(", ")}</span></mark> : <span key={index}>{piece.text}</span>))}
      </p>
      {changed && !found.blocked_by && <><h4>Goes on as</h4><p className={classes.text}>{found.text}</p></>}
      {found.not_run.length > 0 && <p className="muted">Not run here, because they ask elsewhere: {found.not_run.join(", ")}.</p>}
    </div>
  );
}
