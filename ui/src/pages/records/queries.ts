import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get } from "@/kit/api";
import { keys } from "@/kit/query";
import { isRolling, spanOf } from "@/kit/ranges";
import type { CallRecord, Page } from "@/kit/types";
import type { Bodies, RecordDetail } from "./types";

const PAGE = 100;
/** What the table can show; the rest comes with the details. */
const COLUMNS = [
  "started_ms", "surface", "caller", "team", "customer", "provider", "model_asked", "model_served", "key_name", "attempts", "status",
  "outcome", "error_code", "error_message", "input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
  "audio_input_tokens", "output_tokens", "reasoning_tokens", "audio_output_tokens", "image_input_tokens",
  "image_output_tokens", "cost_nanousd", "latency_us", "first_token_us", "stream",
].join(",");

export const recordsQuery = (range: string, filters: Record<string, string>) =>
  infiniteQueryOptions({
    queryKey: keys.list("records", { range, ...filters }),
    queryFn: ({ pageParam, signal }) => {
      const span = spanOf(range, Date.now());
      const until = isRolling(range) ? {} : { until_ms: Math.round(span.until_ms) };
      return get<Page<CallRecord>>("records", { limit: PAGE, before: pageParam, since_ms: Math.round(span.since_ms), ...until, ...filters, columns: COLUMNS }, signal);
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
    refetchOnWindowFocus: false,
    staleTime: 10_000,
  });

export const recordQuery = (id: string) =>
  queryOptions({
    queryKey: keys.one("records", id),
    queryFn: ({ signal }) => get<RecordDetail>(`records/${encodeURIComponent(id)}`, undefined, signal),
    staleTime: Infinity,
  });

/** Of the calls that one made; the rest is found on the page of the records. */
export const MADE_MAX = 50;
const MADE_COLUMNS = "started_ms,surface,provider,model_asked,model_served,status,outcome,error_code,latency_us,cost_nanousd";

/** The calls that a call made: of tools, from a script or an agent loop. */
export const madeQuery = (id: string) =>
  queryOptions({
    queryKey: keys.list("records", { parent_id: id }),
    queryFn: ({ signal }) => get<Page<CallRecord>>("records", { parent_id: id, limit: MADE_MAX, columns: MADE_COLUMNS }, signal),
    staleTime: 10_000,
  });

export const bodiesQuery = (id: string) =>
  queryOptions({
    queryKey: ["records", "bodies", id],
    queryFn: ({ signal }) => get<Bodies>(`records/${encodeURIComponent(id)}/bodies`, undefined, signal),
    staleTime: Infinity,
    gcTime: 60_000,
  });
