// What was said, as turns. Everything is text: nothing that a caller or a model wrote becomes markup.

import { useMemo, useState } from "react";
import { bytes } from "@/kit/format";
import { type Part, readRequest, readResponse, type Turn } from "./conversation";
import classes from "./records.module.css";
import type { Bodies, Body } from "./types";

const FOLDED_CHARS = 1500;

export function ConversationView({ bodies }: { bodies: Bodies }) {
  const request = useMemo(() => (bodies.request?.text ? readRequest(bodies.request.text) : null), [bodies]);
  const response = useMemo(() => (bodies.response?.text ? readResponse(bodies.response.text) : null), [bodies]);
  if (!request && !response) return <p className="muted">These bodies are not a conversation, or were cut off too early to be read. They are under Raw.</p>;
  return (
    <>
      {request && request.parameters.length > 0 && (
        <div className={classes.parameters}>{request.parameters.map(([name, value]) => <span key={name} className="clip" title={value}>{name}: <span className="mono">{value.slice(0, 60)}</span></span>)}</div>
      )}
      {request && request.tools.length > 0 && (
        <details className={classes.section}>
          <summary>{request.tools.length === 1 ? "1 tool offered" : `${request.tools.length} tools offered`}</summary>
          {request.tools.map((tool, index) => (
            <div key={index} className={classes.block}>
              <div><strong>{tool.name}</strong> {tool.about}</div>
              <pre>{tool.schema}</pre>
            </div>
          ))}
        </details>
      )}
      {request?.turns.map((turn, index) => <TurnView key={index} turn={turn} />)}
      {!request && <p className="muted">The request cannot be shown as turns; see Raw.</p>}
      {response && <TurnView turn={response} />}
      <Cut what="request" body={bodies.request} />
      <Cut what="response" body={bodies.response} />
    </>
  );
}

function Cut({ what, body }: { what: string; body: Body | null }) {
  return body?.truncated ? <p className="muted">The {what} has {bytes(body.bytes)}; only its beginning is stored.</p> : null;
}

function TurnView({ turn }: { turn: Turn }) {
  return (
    <section className={classes.turn} data-role={turn.role} aria-label={turn.role}>
      <div className={classes.role}>{turn.role}</div>
      {turn.parts.length === 0 && <span className="muted">nothing</span>}
      {turn.parts.map((part, index) => <PartView key={index} part={part} />)}
    </section>
  );
}

function PartView({ part }: { part: Part }) {
  switch (part.kind) {
    case "text":
      return <Folded text={part.text} />;
    case "reasoning":
      return <Folded text={part.text} className={classes.reasoning} />;
    case "image":
      return part.url ? <img className={classes.image} src={part.url} alt="Sent with the request" /> : <p className="muted">Image, not loaded: <span className="mono">{part.about.slice(0, 120)}</span></p>;
    case "call":
      return <div className={classes.block}><div>calls <strong>{part.name}</strong> <span className="muted">{part.id}</span></div><pre>{part.input}</pre></div>;
    case "result":
      return <div className={classes.block}><div>{part.failed ? "failed result" : "result"} <span className="muted">{part.id}</span></div><pre>{part.text}</pre></div>;
    case "other":
      return <p className="muted">{part.about}</p>;
  }
}

function Folded({ text, className = "" }: { text: string; className?: string | undefined }) {
  const [open, setOpen] = useState(false);
  const long = text.length > FOLDED_CHARS;
  return (
    <>
      <p className={`${classes.text} ${className}`}>{long && !open ? `${text.slice(0, FOLDED_CHARS)}…` : text}</p>
      {long && <button type="button" className={classes.more} onClick={() => setOpen(!open)}>{open ? "Show less" : `Show all ${text.length.toLocaleString("en-US")} characters`}</button>}
    </>
  );
}
