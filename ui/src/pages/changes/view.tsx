// Changes: who did what, when, and what it changed, member by member.

import { Button, Drawer, Group } from "@mantine/core";
import { infiniteQueryOptions, queryOptions, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { get } from "@/kit/api";
import { type Column, DataTable } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { type Filter, FilterBar } from "@/kit/filter-bar";
import { clock, moment, relative } from "@/kit/format";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import { keys } from "@/kit/query";
import { useUrlState } from "@/kit/url-state";
import classes from "./changes.module.css";
import { changedNames, type Difference, differences, shown } from "./diff";
import { actionWords, actorWords, type Change, KINDS, kindWords, placeOf } from "./words";

interface Changes {
  items: Change[];
  next: number | null;
}

const PAGE = 100;
const NAMES_MAX = 4;
const FILTERS: readonly Filter[] = [
  { name: "kind", label: "Kind", strict: true, options: Object.entries(KINDS).map(([value, label]) => ({ value, label })) },
  { name: "object", label: "Name", placeholder: "the whole name of an object" },
];

const changesQuery = (kind: string | undefined, object: string | undefined) =>
  infiniteQueryOptions({
    queryKey: keys.list("changes", { kind, object }),
    queryFn: ({ pageParam, signal }) => get<Changes>("changes", { limit: PAGE, before: pageParam || undefined, kind, object_id: object }, signal),
    initialPageParam: 0,
    getNextPageParam: (last) => last.next ?? undefined,
  });

/** One change: the newest before the next number. */
const changeQuery = (number: number) =>
  queryOptions({
    queryKey: keys.one("changes", String(number)),
    queryFn: async ({ signal }) => (await get<Changes>("changes", { limit: 1, before: number + 1 }, signal)).items.find((one) => one.number === number) ?? null,
  });

export default function ChangesView() {
  const [url, setUrl] = useUrlState<{ kind: string | undefined; object: string | undefined; change: string | undefined }>({ kind: undefined, object: undefined, change: undefined });
  const list = useInfiniteQuery(changesQuery(url.kind, url.object));
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const number = Number(url.change);
  const known = rows.find((row) => row.number === number);
  const asked = useQuery({ ...changeQuery(number), enabled: url.change !== undefined && Number.isInteger(number) && list.data !== undefined && known === undefined });
  const chosen = known ?? asked.data ?? undefined;

  const columns = useMemo<Column<Change>[]>(() => [
    { id: "at", header: "When", width: 130, grow: 0.6, rank: 2, cell: (row) => <span title={moment(row.at_ms)}>{clock(row.at_ms)}</span> },
    { id: "actor", header: "Who", width: 130, rank: 2, cell: (row) => <Actor actor={row.actor} /> },
    { id: "what", header: "What", width: 260, grow: 1.8, rank: 1, cell: (row) => <What row={row} /> },
    { id: "members", header: "Changed", width: 200, grow: 1.4, rank: 3, cell: (row) => <Members row={row} /> },
  ], []);

  return (
    <>
      <PageHeader title="Changes" words="Who created, changed or deleted what. Values of keys and passwords are never written here." />
      {list.error && !list.data ? <Problem error={list.error} what="The changes" retry={() => void list.refetch()} /> : (
        <DataTable
          name="Changes"
          columns={columns}
          rows={rows}
          rowKey={(row) => String(row.number)}
          onOpen={(row) => setUrl({ change: String(row.number) }, { push: true })}
          chosen={url.change}
          loading={list.isFetching && (rows.length === 0 || list.isFetchingNextPage)}
          hasMore={list.hasNextPage}
          onMore={() => void list.fetchNextPage()}
          bar={<FilterBar filters={FILTERS} values={url} onChange={(name, value) => setUrl({ [name]: value }, { push: true })} />}
          empty={<EmptyState sentence={url.kind || url.object ? "Nothing that fits was changed." : "Nothing was changed yet."} action={(url.kind || url.object) && <Button variant="default" onClick={() => setUrl({ kind: undefined, object: undefined })}>Show all changes</Button>} />}
        />
      )}
      <Drawer opened={url.change !== undefined && (chosen !== undefined || asked.isFetched)} onClose={() => setUrl({ change: undefined })} title={chosen ? `${actorWords(chosen.actor).name} ${actionWords(chosen.action)} ${chosen.action === "log_in" ? "" : `${kindWords(chosen.kind)} ${chosen.id}`}` : "Change"} size={640} styles={{ title: { fontWeight: 600, fontSize: "1rem" } }} closeButtonProps={{ "aria-label": "Close" }}>
        {chosen ? <Detail change={chosen} onObject={() => setUrl({ change: undefined, kind: chosen.kind, object: chosen.id }, { push: true })} /> : <p>There is no change with the number {url.change}.</p>}
      </Drawer>
    </>
  );
}

function Actor({ actor }: { actor: string }) {
  const { name, by } = actorWords(actor);
  return <span title={actor}>{name}{by && <span className="muted"> {by}</span>}</span>;
}

function What({ row }: { row: Change }) {
  if (row.action === "log_in") return <span className="muted">logged in</span>;
  return (
    <span title={`${kindWords(row.kind)} ${row.id}`}>
      <span style={row.action === "delete" ? { color: "var(--bad)" } : undefined}>{actionWords(row.action)}</span> <span className="muted">{kindWords(row.kind)}</span> <strong style={{ fontWeight: 600 }}>{row.id}</strong>
    </span>
  );
}

function Members({ row }: { row: Change }) {
  if (row.before === null || row.after === null) return <span className="muted">–</span>;
  const names = changedNames(row.before, row.after);
  if (names.length === 0) return <span className="muted">nothing</span>;
  return <span title={names.join(", ")}>{names.slice(0, NAMES_MAX).join(", ")}{names.length > NAMES_MAX && ` and ${names.length - NAMES_MAX} more`}</span>;
}

function Detail({ change, onObject }: { change: Change; onObject: () => void }) {
  const place = placeOf(change);
  const found = differences(change.before, change.after);
  const { name, by } = actorWords(change.actor);
  return (
    <>
      <dl className={classes.facts}>
        <dt>When</dt><dd>{moment(change.at_ms)} <span className="muted">({relative(change.at_ms)})</span></dd>
        <dt>Who</dt><dd>{name}{by && ` (${by})`}</dd>
        <dt>What</dt><dd>{kindWords(change.kind)} {change.id}</dd>
      </dl>
      {found.length === 0 ? <p className="muted">{change.action === "rotate" ? "It has a new value, which is not written here." : change.action === "log_in" ? "A session began." : "No member differs."}</p> : <Diff found={found} />}
      <Group mt="lg" gap="xs">
        {place && <Button variant="default" component={Link} {...({ to: place.to, search: place.search } as object)}>As it is now</Button>}
        <Button variant="default" onClick={onObject}>All changes to it</Button>
      </Group>
    </>
  );
}

function Diff({ found }: { found: readonly Difference[] }) {
  return (
    <table className={classes.diff}>
      <thead><tr><th scope="col" style={{ width: "28%" }}>Member</th><th scope="col">Before</th><th scope="col">After</th></tr></thead>
      <tbody>
        {found.map((one) => (
          <tr key={one.path}>
            <th scope="row" className="mono">{one.path}</th>
            <td className={one.kind === "added" ? undefined : classes.was}>{one.kind === "added" ? <span className="muted">none</span> : <pre><span className={classes.sign} aria-hidden="true">− </span>{shown(one.before)}</pre>}</td>
            <td className={one.kind === "removed" ? undefined : classes.is}>{one.kind === "removed" ? <span className="muted">none</span> : <pre><span className={classes.sign} aria-hidden="true">+ </span>{shown(one.after)}</pre>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
