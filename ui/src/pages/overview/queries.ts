// One request shows the page: sums, the period before, points, groups and errors.

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get } from "@/kit/api";
import { keys } from "@/kit/query";
import { isRolling, spanOf, stepOf } from "@/kit/ranges";
import type { Overview } from "./types";

export const DIMENSIONS = [
  { value: "provider", label: "Provider", record: "provider" },
  { value: "model", label: "Model", record: "model_served" },
  { value: "caller", label: "Key", record: "caller" },
  { value: "team", label: "Team", record: "team" },
  { value: "customer", label: "Customer", record: "customer" },
  { value: "surface", label: "Surface", record: "surface" },
] as const;

export type Filters = Partial<Record<(typeof DIMENSIONS)[number]["value"], string>>;

const LIVE_MS = 10_000;
/** As long as there is nothing: the page says that a call appears within seconds. */
const EMPTY_MS = 2_000;
const CALM_MS = 60_000;
const SHORT_MS = 6 * 3_600_000;

export const overviewQuery = (range: string, by: string, filters: Filters) =>
  queryOptions({
    queryKey: keys.list("overview", { range, by, ...filters }),
    queryFn: ({ signal }) => {
      const span = spanOf(range, Date.now());
      const asked = { since_ms: Math.round(span.since_ms), until_ms: Math.round(span.until_ms), step_s: stepOf(span) };
      return get<Overview>("overview", { ...asked, by, ...filters }, signal);
    },
    placeholderData: keepPreviousData,
    refetchInterval: (query) => {
      if (!isRolling(range)) return false;
      if (query.state.data?.totals.calls === 0) return EMPTY_MS;
      const span = spanOf(range, 0);
      return span.until_ms - span.since_ms <= SHORT_MS ? LIVE_MS : CALM_MS;
    },
  });
