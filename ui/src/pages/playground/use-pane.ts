// One side of the playground: its conversation, and the call that runs.

import { useCallback, useEffect, useRef, useState } from "react";
import { type Progress, readRecord, run } from "./call";
import { emptyReply, type Message, type Setup, writeRequest } from "./wire";

/** What is known of a reply beside what was said. `cost_nanousd`: undefined until the record is written. */
export interface Measured extends Omit<Progress, "reply"> {
  cost_nanousd?: number | null;
}

export interface Pane {
  messages: Message[];
  /** By the place of the reply. */
  measured: Readonly<Record<number, Measured>>;
  busy: boolean;
  run: (model: string, setup: Setup, added: readonly Message[]) => Promise<void>;
  again: (model: string, setup: Setup) => Promise<void>;
  stop: () => void;
  put: (messages: Message[]) => void;
}

export function usePane(mayRead: boolean): Pane {
  const [messages, setMessages] = useState<Message[]>([]);
  const [measured, setMeasured] = useState<Readonly<Record<number, Measured>>>({});
  const [busy, setBusy] = useState(false);
  const stopping = useRef<AbortController | null>(null);
  const current = useRef<Message[]>([]);

  const put = useCallback((next: Message[]) => {
    current.current = next;
    setMessages(next);
  }, []);
  const stop = useCallback(() => stopping.current?.abort(), []);
  useEffect(() => stop, [stop]);

  const call = async (model: string, setup: Setup, said: readonly Message[]) => {
    const control = new AbortController();
    stopping.current = control;
    setBusy(true);
    put([...said, emptyReply()]);
    const measure = (known: Measured) => setMeasured((before) => ({ ...before, [said.length]: known }));
    const done = await run(writeRequest(model, setup, said), control.signal, ({ reply, ...rest }) => {
      put([...said, reply]);
      measure(rest);
    });
    setBusy(false);
    const { reply: _, ...rest } = done;
    measure(rest);
    const record = mayRead && done.id ? await readRecord(done.id) : null;
    // The conversation may have been cleared meanwhile: a reply of another call is not given this cost.
    setMeasured((before) => (before[said.length]?.id === done.id ? { ...before, [said.length]: { ...rest, cost_nanousd: record?.cost_nanousd ?? null } } : before));
  };

  return {
    messages,
    measured,
    busy,
    put: (next) => {
      put(next);
      setMeasured({});
    },
    stop,
    run: (model, setup, added) => call(model, setup, [...current.current.filter((one) => one.role !== "assistant" || !one.error), ...added]),
    again: (model, setup) => call(model, setup, current.current.slice(0, current.current.findLastIndex((one) => one.role !== "assistant") + 1)),
  };
}
