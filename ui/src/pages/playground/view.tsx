// The playground: talk to any model by the public API, with its cost and its times; two models side by side.

import { Alert, Button } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { get, idPath } from "@/kit/api";
import { Icon } from "@/kit/icons";
import { PageHeader } from "@/kit/page-header";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { useUrlState } from "@/kit/url-state";
import { readRequest } from "../records/conversation";
import type { Bodies, RecordDetail } from "../records/types";
import { Composer } from "./composer";
import { PaneView } from "./pane-view";
import classes from "./playground.module.css";
import { Settings } from "./settings";
import { usePane } from "./use-pane";
import { fromRecord, readTools, SETUP, type Setup, unanswered } from "./wire";

const NARROW = "(max-width: 900px)";

export default function PlaygroundView() {
  const [url, setUrl] = useUrlState<{ model: string; other: string; two: string | undefined; record: string | undefined }>({ model: "", other: "", two: undefined, record: undefined });
  const [setup, setSetup] = useState<Setup>(SETUP);
  const box = useRef<HTMLTextAreaElement>(null);
  const mayRead = useMay("records:read");
  const [left, right] = [usePane(mayRead), usePane(mayRead)];
  const two = url.two !== undefined || url.other !== "";
  const narrow = useMediaQuery(NARROW, window.matchMedia(NARROW).matches, { getInitialValueInEffect: false });
  const note = useRecord(url.record, (setting) => {
    setSetup(setting.setup);
    left.put(setting.messages);
    if (!url.model) setUrl({ model: setting.model });
  });

  useShortcuts(useMemo(() => [{ keys: "/", words: "Write a message", run: () => box.current?.focus() }], []));

  const sides = [{ model: url.model, pane: left }, ...(two ? [{ model: url.other, pane: right }] : [])];
  const busy = sides.some((side) => side.pane.busy);
  const waits = sides.some((side) => !side.model.trim())
    ? "Choose a model first."
    : "error" in readTools(setup.tools)
      ? "The tools are not right yet."
      : sides.some((side) => unanswered(side.pane.messages).length > 0 && !side.pane.busy) ? "Answer the calls of tools first." : null;
  const send = (text: string, images: string[]) => {
    for (const side of sides) void side.pane.run(side.model.trim(), setup, [{ role: "user", text, images }]);
  };
  const settings = <Settings setup={setup} onChange={setSetup} />;

  return (
    <>
      <PageHeader title="Playground">
        {!two && <Button variant="default" leftSection={<Icon name="columns" size={14} />} onClick={() => setUrl({ two: "1" })}>Compare with another</Button>}
      </PageHeader>
      {note && <Alert color="gray" mb="md" role="status">{note}</Alert>}
      <div className={classes.layout}>
        {narrow ? <details className={classes.narrow}><summary>Instructions, tools and parameters</summary>{settings}</details> : settings}
        <div className={classes.side}>
          <div className={classes.panes}>
            <PaneView name={two ? "Left" : "Model"} model={url.model} onModel={(model) => setUrl({ model })} pane={left} setup={setup} onClose={undefined} />
            {two && <PaneView name="Right" model={url.other} onModel={(other) => setUrl({ other, two: "1" })} pane={right} setup={setup} onClose={() => { right.stop(); setUrl({ two: undefined, other: "" }); }} />}
          </div>
          <Composer box={box} busy={busy} waits={waits} onSend={send} onStop={() => sides.forEach((side) => side.pane.stop())} />
        </div>
      </div>
    </>
  );
}

interface Recorded {
  model: string;
  setup: Setup;
  messages: ReturnType<typeof fromRecord>["messages"];
}

/** Fills the playground from a record, once; says what could not be taken over. */
function useRecord(id: string | undefined, onRead: (recorded: Recorded) => void): string | null {
  const mayBodies = useMay("bodies:read");
  const filled = useRef<string | null>(null);
  const found = useQuery({
    queryKey: ["playground", "record", id, mayBodies],
    queryFn: async ({ signal }) => {
      const record = await get<RecordDetail>(`records/${idPath(id!)}`, undefined, signal);
      const bodies = record.bodies && mayBodies ? await get<Bodies>(`records/${idPath(id!)}/bodies`, undefined, signal) : null;
      return { record, bodies };
    },
    enabled: id !== undefined,
    staleTime: Infinity,
  });
  const request = found.data?.bodies?.request;
  const conversation = useMemo(() => (request?.text && !request.truncated ? readRequest(request.text) : null), [request]);
  useEffect(() => {
    if (!id || !found.data || filled.current === id) return;
    filled.current = id;
    const read = conversation ? fromRecord(conversation) : { setup: SETUP, messages: [] };
    onRead({ model: found.data.record.model_asked, ...read });
  }, [id, found.data, conversation, onRead]);
  if (!id) return null;
  if (found.error) return `The record ${id} could not be read.`;
  if (!found.data) return null;
  if (conversation) return `From the record ${id}. What was said is here; send it again, or change it first.`;
  const why = !mayBodies ? "your role may not read bodies" : request?.truncated ? "its body was cut off" : "its body is not stored";
  return `From the record ${id}: only the model is taken over, since ${why}.`;
}
