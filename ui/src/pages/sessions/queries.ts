import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get } from "@/kit/api";
import { keys } from "@/kit/query";
import { isRolling, spanOf } from "@/kit/ranges";
import type { CallRecord, Page } from "@/kit/types";
import type { AgentSession, OneSession } from "./types";

const PAGE = 100;
/** Calls that are read at a time; the API gives no more. */
const CALLS_PAGE = 500;
const CALL_COLUMNS = [
  "started_ms", "surface", "provider", "model_asked", "model_served", "status", "outcome", "error_code", "input_tokens", "cache_read_tokens",
  "cache_write_5m_tokens", "cache_write_1h_tokens", "audio_input_tokens", "output_tokens", "reasoning_tokens", "audio_output_tokens",
  "image_input_tokens", "image_output_tokens", "cost_nanousd", "latency_us", "parent_id",
].join(",");
/** A session whose last call ended so recently may go on, and is asked for again. */
const GOES_ON_MS = 2 * 60_000;
const ASK_AGAIN_MS = 5_000;

export const sessionsQuery = (range: string, sort: string, filters: Record<string, string>) =>
  infiniteQueryOptions({
    queryKey: keys.list("sessions", { range, sort, ...filters }),
    queryFn: ({ pageParam, signal }) => {
      const span = spanOf(range, Date.now());
      const until = isRolling(range) ? {} : { until_ms: Math.round(span.until_ms) };
      return get<Page<AgentSession>>("sessions", { limit: PAGE, after: pageParam, since_ms: Math.round(span.since_ms), ...until, sort, ...filters }, signal);
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
    refetchOnWindowFocus: false,
    staleTime: 10_000,
  });

export const sessionQuery = (id: string) =>
  queryOptions({
    queryKey: keys.one("sessions", id),
    queryFn: ({ signal }) => get<OneSession>(`sessions/${encodeURIComponent(id)}`, undefined, signal),
    refetchInterval: (query) => (goesOn(query.state.data) ? ASK_AGAIN_MS : false),
  });

/** The calls of a session, the latest first; read anew when the session has ended a call since. */
export const callsQuery = (one: AgentSession) =>
  infiniteQueryOptions({
    queryKey: keys.list("records", { of: one.id, calls: one.calls + one.tool_calls }),
    queryFn: ({ pageParam, signal }) =>
      get<Page<CallRecord>>("records", { session: one.session, caller: one.caller, team: one.team, limit: CALLS_PAGE, before: pageParam, columns: CALL_COLUMNS }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
    refetchOnWindowFocus: false,
    staleTime: Infinity,
    placeholderData: (before) => before,
  });

export function goesOn(one: AgentSession | undefined): boolean {
  return one !== undefined && Date.now() - one.last_ms < GOES_ON_MS;
}
