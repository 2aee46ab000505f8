// One pane: its model, what was said, and the calls of tools that wait for a result.

import { ActionIcon, Autocomplete, Button, Group, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { get } from "@/kit/api";
import { CopyButton } from "@/kit/copy-button";
import { Icon } from "@/kit/icons";
import { keys } from "@/kit/query";
import { useMay } from "@/kit/session";
import type { Page } from "@/kit/types";
import { curlOf } from "../records/curl";
import classes from "./playground.module.css";
import { Answers, Turn } from "./turns";
import type { Pane } from "./use-pane";
import { type Setup, unanswered, writeRequest } from "./wire";

const OFFERED = 50;

const offeredQuery = (search: string) =>
  queryOptions({
    queryKey: keys.list("models", { search, limit: OFFERED }),
    queryFn: async ({ signal }) => (await get<Page<{ id: string }>>("models", { search, limit: OFFERED }, signal)).items.map((one) => one.id),
    staleTime: 60_000,
    placeholderData: keepPreviousData,
  });

interface Props {
  name: string;
  model: string;
  onModel: (model: string) => void;
  pane: Pane;
  setup: Setup;
  onClose: (() => void) | undefined;
}

export function PaneView({ name, model, onModel, pane, setup, onClose }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [search] = useDebouncedValue(model, 200);
  const mayList = useMay("models:read");
  const offered = useQuery({ ...offeredQuery(offeredSearch(search)), enabled: mayList });
  const waiting = pane.busy ? [] : unanswered(pane.messages);
  const { messages } = pane;
  // From a record, whose reply is asked for anew.
  const open = messages.length > 0 && messages[messages.length - 1]!.role !== "assistant" && !pane.busy && model !== "";
  useEffect(() => {
    const scrolled = box.current;
    // Who has scrolled up to read stays there.
    if (scrolled && scrolled.scrollHeight - scrolled.scrollTop - scrolled.clientHeight < 160) scrolled.scrollTop = scrolled.scrollHeight;
  }, [messages]);
  const body = JSON.stringify(writeRequest(model || "provider/model", setup, beforeReply(pane)));
  return (
    <section className={classes.pane} aria-label={name}>
      <Group gap={6} wrap="nowrap" className={classes.paneHead}>
        <Autocomplete size="xs" aria-label={`Model, ${name.toLowerCase()}`} placeholder="provider/model" data={offered.data ?? []} filter={({ options }) => options} value={model} onChange={onModel} style={{ flex: 1, minWidth: 0 }} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} spellCheck={false} maxDropdownHeight={320} />
        <CopyButton value={curlOf({ surface: "openai.chat", model_asked: model, stream: setup.stream }, body, location.origin)} label="Copy the request as curl" />
        {messages.length > 0 && <Tooltip label="Clear"><ActionIcon aria-label={`Clear, ${name.toLowerCase()}`} disabled={pane.busy} onClick={() => pane.put([])}><Icon name="trash" /></ActionIcon></Tooltip>}
        {onClose && <Tooltip label="Close this side"><ActionIcon aria-label="Close this side" onClick={onClose}><Icon name="close" /></ActionIcon></Tooltip>}
      </Group>
      <div className={classes.turns} ref={box} tabIndex={0} role="log" aria-label={`Conversation, ${name.toLowerCase()}`} aria-live="off">
        {messages.length === 0 && <p className="muted">{model ? "Nothing was said yet." : "Choose a model, and say something below."} Calls are limited, recorded and paid for as all others.</p>}
        {messages.map((message, index) => {
          const last = index === messages.length - 1;
          return <Turn key={index} message={message} measured={pane.measured[index]} running={pane.busy && last} onAgain={last && !pane.busy ? () => void pane.again(model, setup) : undefined} />;
        })}
        {waiting.length > 0 && <Answers key={messages.length} calls={waiting} onSend={(results) => void pane.run(model, setup, results)} />}
        {open && <Button variant="default" style={{ alignSelf: "flex-start" }} onClick={() => void pane.again(model, setup)}>Send this to the model</Button>}
      </div>
    </section>
  );
}

/** All models are offered once one is chosen, so that the list still helps to choose another. */
function offeredSearch(typed: string): string {
  return typed.includes("/") && typed.split("/")[1] ? typed.split("/")[0]! + "/" : typed;
}

/** What the last request said, or the next one would say. */
function beforeReply(pane: Pane) {
  const last = pane.messages[pane.messages.length - 1];
  return last?.role === "assistant" ? pane.messages.slice(0, -1) : pane.messages;
}
