// What was said in a pane. Everything is text: nothing that a model wrote becomes markup.

import { Alert, Anchor, Button, Textarea } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { duration, exact, exactMoney, money } from "@/kit/format";
import classes from "./playground.module.css";
import type { Measured } from "./use-pane";
import type { Call, Message, Reply } from "./wire";

const ROLES = { user: "You", assistant: "Model", tool: "Result" } as const;

export function Turn({ message, measured, running, onAgain }: { message: Message; measured: Measured | undefined; running: boolean; onAgain: (() => void) | undefined }) {
  return (
    <article className={classes.turn} data-role={message.role}>
      <h3>{ROLES[message.role]}{message.role === "tool" && <span className="mono"> {message.name}</span>}</h3>
      {message.role === "user" && message.images.length > 0 && <div className={classes.images}>{message.images.map((url, index) => <img key={index} src={url} alt={`Image ${index + 1} that was sent`} />)}</div>}
      {message.role === "assistant" && message.reasoning && <details className={classes.reasoning}><summary>Reasoning</summary><div>{message.reasoning}</div></details>}
      {message.text && <div className={classes.text}>{message.text}</div>}
      {message.role === "assistant" && <Ending reply={message} measured={measured} running={running} onAgain={onAgain} />}
    </article>
  );
}

function Ending({ reply, measured, running, onAgain }: { reply: Reply; measured: Measured | undefined; running: boolean; onAgain: (() => void) | undefined }) {
  const nothing = !running && !reply.error && !reply.stopped && !reply.text && reply.calls.length === 0;
  return (
    <>
      {reply.calls.map((call, index) => (
        <div key={index} className={classes.call}>
          <span className="mono">{call.name}</span>
          <pre tabIndex={0} aria-label={`Arguments of ${call.name}`}>{pretty(call.input)}</pre>
        </div>
      ))}
      {running && !reply.text && reply.calls.length === 0 && <span className="muted late">Waiting for the first token…</span>}
      {nothing && <span className="muted">The reply is empty.</span>}
      {reply.error && (
        <Alert color="red" role="alert" title={<span className="mono">{reply.error.code}</span>}>
          {reply.error.message}
          {onAgain && <div><Button mt="xs" variant="default" onClick={onAgain}>Try again</Button></div>}
        </Alert>
      )}
      {measured && <Measures reply={reply} measured={measured} />}
    </>
  );
}

function Measures({ reply, measured }: { reply: Reply; measured: Measured }) {
  const { first_token_ms, total_ms, cost_nanousd, id } = measured;
  return (
    <div className={classes.measures}>
      {reply.stopped && <strong>stopped</strong>}
      {reply.finish === "length" && <strong>cut off: output limit</strong>}
      {first_token_ms !== null && <span title="From sending to the first token, measured here"><b>{duration(first_token_ms * 1000)}</b> first token</span>}
      {total_ms !== null && <span title="From sending to the end, measured here"><b>{duration(total_ms * 1000)}</b> in all</span>}
      {reply.output_tokens !== null && <span><b>{exact(reply.input_tokens)}</b> in, <b>{exact(reply.output_tokens)}</b> out</span>}
      {total_ms !== null && <span title={cost_nanousd == null ? undefined : exactMoney(cost_nanousd)}>{cost_nanousd === undefined ? "cost follows" : cost_nanousd === null ? "cost unknown" : <><b>{money(cost_nanousd)}</b> cost</>}</span>}
      {id && total_ms !== null && <Anchor size="xs" component={Link} {...({ to: "/records", search: { id } } as object)}>Record</Anchor>}
    </div>
  );
}

/** The calls of tools that wait for a person to answer them. */
export function Answers({ calls, onSend }: { calls: readonly Call[]; onSend: (results: Message[]) => void }) {
  const [results, setResults] = useState<Record<string, string>>({});
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSend(calls.map((call) => ({ role: "tool", id: call.id, name: call.name, text: results[call.id] ?? "" })));
  };
  return (
    <form className={classes.answers} onSubmit={submit}>
      {calls.map((call) => (
        <Textarea
          key={call.id}
          label={`Result of ${call.name}`}
          autosize
          minRows={2}
          maxRows={10}
          placeholder='{"temperature": 21}'
          spellCheck={false}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          value={results[call.id] ?? ""}
          onChange={(event) => setResults({ ...results, [call.id]: event.currentTarget.value })}
        />
      ))}
      <Button type="submit" style={{ alignSelf: "flex-start" }}>{calls.length === 1 ? "Send the result" : "Send the results"}</Button>
    </form>
  );
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
