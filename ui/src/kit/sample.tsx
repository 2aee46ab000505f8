// A day of sample traffic, so that a first look has something to see; loaded and removed here.

import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { get, post, remove } from "./api";
import { exact } from "./format";
import classes from "./kit.module.css";
import { keys } from "./query";
import { useMay } from "./session";
import { toastFailed } from "./toasts";

interface Sample {
  rows: number;
  state: "none" | "writing" | "ready" | "removing";
}

const ASK_AGAIN_MS = 700;
/** The sums follow their records, on a busy machine some seconds later. */
const SUMS_MS = [2_500, 8_000, 20_000];

/** The state of the sample day, asked for again and again while it changes; what is shown is then read anew. */
function useSample() {
  const client = useQueryClient();
  const may = useMay("sample:write");
  const sample = useQuery({
    queryKey: keys.list("sample"),
    queryFn: ({ signal }) => get<Sample>("sample", undefined, signal),
    enabled: may,
    staleTime: 60_000,
    refetchInterval: (query) => (isBusy(query.state.data) ? ASK_AGAIN_MS : false),
  });
  const was = useRef<Sample["state"] | undefined>(undefined);
  const state = sample.data?.state;
  useEffect(() => {
    const changed = was.current !== undefined && was.current !== state;
    was.current = state;
    if (!changed) return;
    const reread = () => void client.invalidateQueries({ predicate: (query) => query.queryKey[0] === "overview" || query.queryKey[0] === "records" });
    reread();
    const timers = SUMS_MS.map((pause) => setTimeout(reread, pause));
    return () => timers.forEach(clearTimeout);
  }, [state, client]);
  const change = useMutation({
    mutationFn: (load: boolean): Promise<unknown> => (load ? post<Sample>("sample") : remove("sample")),
    onSettled: () => client.invalidateQueries({ queryKey: keys.noun("sample") }),
    onError: (error, load) => toastFailed(load ? "The sample was not loaded" : "The sample was not removed", error),
  });
  return { may, sample: sample.data, busy: isBusy(sample.data) || change.isPending, change };
}

function isBusy(sample: Sample | undefined): boolean {
  return sample?.state === "writing" || sample?.state === "removing";
}

export function SampleButton() {
  const { may, sample, busy, change } = useSample();
  if (!may || sample?.state === "ready") return null;
  return (
    <Button variant="default" loading={busy} onClick={() => change.mutate(true)}>
      Load a day of sample traffic
    </Button>
  );
}

/** Says that what is shown is a sample, as long as there is one, and removes it. `few`: there is little to see without
 *  one, so it is offered. */
export function SampleNote({ few = false }: { few?: boolean }) {
  const { may, sample, busy, change } = useSample();
  if (!sample || (sample.state === "none" && !(few && may))) return null;
  const words = {
    none: "Few calls yet. A day of sample traffic shows what the pages are like; it is removed with one click",
    writing: "Sample traffic is being written",
    removing: "Sample traffic is being removed",
    ready: "This includes a day of sample traffic",
  }[sample.state];
  return (
    <div className={classes.sample} role="status">
      <span>{words} {sample.state !== "none" && <span className="muted">({exact(sample.rows)} records, tag sample)</span>}</span>
      {sample.state === "none" && <Button variant="default" flex="none" loading={busy} onClick={() => change.mutate(true)}>Load it</Button>}
      {sample.state === "ready" && <Button variant="default" flex="none" loading={busy} onClick={() => change.mutate(false)}>Remove it</Button>}
    </div>
  );
}
