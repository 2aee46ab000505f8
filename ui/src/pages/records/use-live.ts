// Follows records as they are written. The stream is closed while the tab is hidden, so what was written meanwhile is
// read by the list again.

import { useEffect, useRef, useState } from "react";
import { apiUrl } from "@/kit/api";
import type { CallRecord } from "@/kit/types";

const KEPT_MAX = 500;
const SHOW_EVERY_MS = 250;

export interface Live {
  records: readonly CallRecord[];
  state: "off" | "connecting" | "on" | "lost";
  missed: boolean;
}

const OFF: Live = { records: [], state: "off", missed: false };

export function useLive(on: boolean, filters: Record<string, string>, onReturn: () => void): Live {
  const [live, setLive] = useState<Live>(OFF);
  const returned = useRef(onReturn);
  returned.current = onReturn;
  const text = JSON.stringify(filters);
  useEffect(() => {
    if (!on) {
      setLive(OFF);
      return;
    }
    let source: EventSource | null = null;
    let waiting: CallRecord[] = [];
    let missed = false;
    const open = () => {
      source = new EventSource(apiUrl("records/live", JSON.parse(text) as Record<string, string>));
      setLive((now) => ({ ...now, state: "connecting" }));
      source.onopen = () => setLive((now) => ({ ...now, state: "on" }));
      source.onerror = () => setLive((now) => ({ ...now, state: "lost" }));
      source.addEventListener("record", (event) => waiting.push(JSON.parse(event.data as string) as CallRecord));
      source.addEventListener("missed", () => { missed = true; });
      source.addEventListener("dropped", () => { missed = true; });
    };
    // Many records a second are shown in one go: a table is not drawn for each.
    const timer = setInterval(() => {
      if (waiting.length === 0 && !missed) return;
      const fresh = waiting.reverse();
      waiting = [];
      setLive((now) => ({ ...now, missed: now.missed || missed, records: [...fresh, ...now.records].slice(0, KEPT_MAX) }));
    }, SHOW_EVERY_MS);
    const onVisibility = () => {
      if (document.hidden) {
        source?.close();
        source = null;
      } else if (!source) {
        setLive({ ...OFF, state: "connecting" });
        returned.current();
        open();
      }
    };
    open();
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      document.removeEventListener("visibilitychange", onVisibility);
      clearInterval(timer);
      source?.close();
    };
  }, [on, text]);
  return live;
}
