// Who spends what, what is slow or failing: figures with the period before, four charts, the ten largest of a dimension,
// errors. Each number leads to the records behind it.

import { Button, Group, SegmentedControl, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { Chart, type Series } from "@/kit/chart";
import { EmptyState } from "@/kit/empty-state";
import { Figure, Figures } from "@/kit/figure";
import { FilterBar } from "@/kit/filter-bar";
import { duration, exact, exactMoney, money, percent, short } from "@/kit/format";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import { RangePicker } from "@/kit/range-picker";
import { fixedRange, RANGE_DEFAULT } from "@/kit/ranges";
import { SampleButton, SampleNote } from "@/kit/sample";
import { useUrlState } from "@/kit/url-state";
import { Errors } from "./errors";
import { Groups } from "./groups";
import classes from "./overview.module.css";
import { DIMENSIONS, type Filters, overviewQuery } from "./queries";
import type { Overview } from "./types";

const BY = DIMENSIONS.filter((one) => one.value !== "surface");
/** Below this many, there is little to see: a sample is offered. */
const FEW_CALLS = 20;
const COLOURS = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7"];

export default function OverviewView() {
  const [url, setUrl] = useUrlState({
    range: RANGE_DEFAULT as string,
    by: "provider" as string,
    provider: undefined as string | undefined,
    model: undefined as string | undefined,
    caller: undefined as string | undefined,
    team: undefined as string | undefined,
    customer: undefined as string | undefined,
    surface: undefined as string | undefined,
  });
  const { range, by, ...given } = url;
  const filters = given as Filters;
  const answer = useQuery({ ...overviewQuery(range, by, filters), select: whole });
  const search = useMemo(() => recordSearch(range, filters), [range, JSON.stringify(filters)]);
  const filterFields = DIMENSIONS.map((one) => ({ name: one.value, label: one.label, options: one.value === by ? answer.data?.groups.map((group) => group.name).filter((name) => name && name !== "others") ?? [] : [] }));
  const nothing = answer.data?.totals.calls === 0 && answer.data.before.calls === 0;
  const narrow = (name: string) => setUrl({ [by]: name }, { push: true });
  const zoom = (since_ms: number, until_ms: number) => setUrl({ range: fixedRange({ since_ms, until_ms }) }, { push: true });
  return (
    <>
      <PageHeader title="Overview">
        <FilterBar filters={filterFields} values={filters} onChange={(name, value) => setUrl({ [name]: value }, { push: true })} />
        <RangePicker value={range} onChange={(next) => setUrl({ range: next }, { push: true })} />
      </PageHeader>
      {answer.error && !answer.data && <Problem error={answer.error} what="The overview" retry={() => void answer.refetch()} />}
      {answer.isPending && <Waiting />}
      {answer.data && nothing && <SampleNote />}
      {answer.data && (nothing ? (
        <Nothing filtered={Object.values(filters).some(Boolean)} onClear={() => setUrl(Object.fromEntries(DIMENSIONS.map((one) => [one.value, undefined])))} />
      ) : (
        <div className={classes.page} data-stale={answer.isPlaceholderData}>
          <SampleNote few={answer.data.totals.calls < FEW_CALLS && !Object.values(filters).some(Boolean)} />
          <Totals data={answer.data} search={search} />
          <Charts data={answer.data} by={by} onRange={zoom} />
          <section aria-label="Breakdown">
            <Group justify="space-between" mb={8} gap="xs">
              <h2 className={classes.title}>By {BY.find((one) => one.value === by)?.label.toLowerCase() ?? by}</h2>
              <SegmentedControl size="xs" aria-label="Break down by" value={by} onChange={(next) => setUrl({ by: next })} data={BY.map(({ value, label }) => ({ value, label }))} />
            </Group>
            <div className={classes.below}>
              <Groups groups={answer.data.groups} total={answer.data.totals} by={by} search={search} onNarrow={narrow} />
              <Errors errors={answer.data.errors} failed={answer.data.totals.failed} search={search} />
            </div>
          </section>
        </div>
      ))}
    </>
  );
}

/** Without the last point as long as its time is not over, since it would look like a fall; but with it if nothing came
 * before it, since the first calls would then be missing from the charts. */
function whole(data: Overview): Overview {
  const { until_ms, step_s } = data.span;
  const points = data.points.filter((point) => point.at_ms + step_s * 1000 <= until_ms);
  return points.some((point) => point.calls) ? { ...data, points } : data;
}

function Totals({ data, search }: { data: Overview; search: Record<string, string> }) {
  const { totals, before, points } = data;
  const tokens = totals.input_tokens + totals.output_tokens;
  const share = (sums: { calls: number; failed: number }) => (sums.calls ? sums.failed / sums.calls : null);
  return (
    <Figures>
      <Figure label="Requests" value={short(totals.calls)} exact={exact(totals.calls)} now={totals.calls} before={before.calls} points={points.map((point) => point.calls)} to="/records" search={search} />
      <Figure label="Failed" value={percent(share(totals))} exact={`${exact(totals.failed)} of ${exact(totals.calls)}`} now={share(totals)} before={share(before)} more="bad" points={points.map(share)} to="/records" search={{ ...search, outcome: "error" }} />
      <Figure label={totals.unpriced ? "Cost, at least" : "Cost"} value={money(totals.cost_nanousd)} exact={`${exactMoney(totals.cost_nanousd)}${totals.unpriced ? `; the cost of ${exact(totals.unpriced)} calls is unknown` : ""}`} now={totals.cost_nanousd} before={before.cost_nanousd} points={points.map((point) => point.cost_nanousd)} to="/records" search={search} />
      <Figure label="Tokens" value={short(tokens)} exact={`${exact(totals.input_tokens)} in, of which ${exact(totals.cached_tokens)} from a cache; ${exact(totals.output_tokens)} out`} now={tokens} before={before.input_tokens + before.output_tokens} points={points.map((point) => point.input_tokens + point.output_tokens)} to="/records" search={search} />
      <Figure label="Latency p95" value={duration(totals.latency_p95_us)} exact={`p50 ${duration(totals.latency_p50_us)}, p95 ${duration(totals.latency_p95_us)}, p99 ${duration(totals.latency_p99_us)}`} now={totals.latency_p95_us} before={before.latency_p95_us} more="bad" points={points.map((point) => point.latency_p95_us)} to="/records" search={totals.latency_p95_us ? { ...search, latency_min_us: String(totals.latency_p95_us) } : search} />
      <Figure label="First token p95" value={duration(totals.first_token_p95_us)} exact={`p50 ${duration(totals.first_token_p50_us)}, p95 ${duration(totals.first_token_p95_us)}`} now={totals.first_token_p95_us} before={before.first_token_p95_us} more="bad" points={points.map((point) => point.first_token_p95_us)} to="/records" search={{ ...search, stream: "1" }} />
    </Figures>
  );
}

function Charts({ data, by, onRange }: { data: Overview; by: string; onRange: (since_ms: number, until_ms: number) => void }) {
  const at_ms = useMemo(() => data.points.map((point) => point.at_ms), [data]);
  const requests = useMemo<Series[]>(() => [
    { label: "Succeeded", color: "--c1", values: data.points.map((point) => point.calls - point.failed) },
    { label: "Failed", color: "--bad", values: data.points.map((point) => point.failed) },
  ], [data]);
  const tokens = useMemo<Series[]>(() => [
    { label: "Input", color: "--c3", values: data.points.map((point) => point.input_tokens - point.cached_tokens) },
    { label: "Input from cache", color: "--c8", values: data.points.map((point) => point.cached_tokens) },
    { label: "Output", color: "--c2", values: data.points.map((point) => point.output_tokens) },
  ], [data]);
  const latency = useMemo<Series[]>(() => [
    { label: "p50", color: "--c1", values: data.points.map((point) => point.latency_p50_us) },
    { label: "p95", color: "--c2", values: data.points.map((point) => point.latency_p95_us) },
    { label: "p99", color: "--c4", values: data.points.map((point) => point.latency_p99_us) },
    { label: "First token p95", color: "--c6", dashed: true, values: data.points.map((point) => point.first_token_p95_us) },
  ], [data]);
  const cost = useMemo(() => costSeries(data), [data]);
  const dimension = BY.find((one) => one.value === by)?.label.toLowerCase() ?? by;
  return (
    <div className={classes.charts}>
      <Chart title="Requests" at_ms={at_ms} series={requests} show={short} unit="count" stacked onRange={onRange} />
      <Chart title={`Cost by ${dimension}`} at_ms={at_ms} series={cost} show={money} stacked onRange={onRange} />
      <Chart title="Latency" at_ms={at_ms} series={latency} show={duration} unit="duration" onRange={onRange} />
      <Chart title="Tokens" at_ms={at_ms} series={tokens} show={short} unit="count" stacked onRange={onRange} />
    </div>
  );
}

/** The six largest groups, and all others as one. */
function costSeries(data: Overview): Series[] {
  const at = new Map(data.points.map((point, index) => [point.at_ms, index]));
  const empty = () => new Array<number>(data.points.length).fill(0);
  const named = data.groups.filter((group) => group.name !== "others").slice(0, COLOURS.length);
  const series = named.map((group, index) => {
    const values = empty();
    for (const point of group.points) values[at.get(point.at_ms) ?? -1] = point.cost_nanousd;
    return { label: group.name || "none", color: COLOURS[index]!, values: values.slice(0, data.points.length) };
  });
  const rest = data.points.map((point, index) => Math.max(0, point.cost_nanousd - series.reduce((sum, one) => sum + one.values[index]!, 0)));
  if (rest.some((value) => value > 0)) series.push({ label: "others", color: "--c8", values: rest });
  return series;
}

function recordSearch(range: string, filters: Filters): Record<string, string> {
  const search: Record<string, string> = range === RANGE_DEFAULT ? {} : { range };
  for (const { value, record } of DIMENSIONS) if (filters[value]) search[record] = filters[value];
  return search;
}

function Waiting() {
  return (
    <div className={`${classes.page} late`} aria-hidden="true">
      <Skeleton height={118} />
      <div className={classes.charts}>{[0, 1, 2, 3].map((index) => <Skeleton key={index} height={258} />)}</div>
    </div>
  );
}

function Nothing({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  if (filtered) return <EmptyState sentence="No call of this time fits these filters." action={<Button variant="default" onClick={onClear}>Remove the filters</Button>} />;
  return (
    <EmptyState
      sentence="There were no calls in this time. Create a key and send one; it appears here within seconds."
      action={<Group gap="xs"><Button component={Link} {...({ to: "/keys", search: { new: "1" } } as object)}>Create a key</Button><SampleButton /></Group>}
      command={`curl ${location.origin}/v1/chat/completions -H "Authorization: Bearer $KEY" \\\n  -d '{"model": "mock/echo", "messages": [{"role": "user", "content": "Hi"}]}'`}
    />
  );
}
