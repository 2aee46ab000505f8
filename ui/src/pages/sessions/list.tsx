// The sessions of a time, the latest or the largest first.

import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { DataTable } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { FilterBar, type Filter } from "@/kit/filter-bar";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import { RangePicker } from "@/kit/range-picker";
import { RANGE_DEFAULT } from "@/kit/ranges";
import { useUrlState } from "@/kit/url-state";
import { COLUMNS } from "./columns";
import { sessionsQuery } from "./queries";
import { agentWords } from "./words";

const FILTERS: readonly Filter[] = [
  { name: "caller", label: "Key", placeholder: "name of a virtual key" },
  { name: "team", label: "Team" },
  { name: "customer", label: "Customer" },
  { name: "agent", label: "Program", placeholder: "as it calls itself", options: ["claude-cli", "codex_cli_rs", "GeminiCLI", "opencode"], show: agentWords },
  { name: "model", label: "Model", placeholder: "provider/model" },
  { name: "session", label: "Session", placeholder: "its whole name" },
  { name: "failed", label: "Failures", strict: true, options: [{ value: "true", label: "with failed calls" }] },
];
const DEFAULTS: Record<string, string | undefined> = { range: RANGE_DEFAULT, sort: "last_ms", ...Object.fromEntries(FILTERS.map((one) => [one.name, undefined])) };
const COMMAND = 'curl "$ASBRU/v1/chat/completions" -H "Authorization: Bearer $KEY" -H "x-asbru-session: my-first-run" -d \'{"model": "mock/echo", "messages": [{"role": "user", "content": "Hello"}]}\'';

export function SessionList({ onOpen }: { onOpen: (id: string) => void }) {
  const [url, setUrl] = useUrlState(DEFAULTS);
  const range = url["range"]!;
  const sort = url["sort"]!;
  const filters = useMemo(() => Object.fromEntries(FILTERS.flatMap((one) => (url[one.name] ? [[one.name, url[one.name]!]] : []))), [url]);
  const list = useInfiniteQuery(sessionsQuery(range, sort, filters));
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const filtered = Object.keys(filters).length > 0;
  const clear = () => setUrl(Object.fromEntries(FILTERS.map((one) => [one.name, undefined])), { push: true });
  return (
    <>
      <PageHeader title="Sessions" words="What agents did, by session: the calls that name the same one in a header.">
        <RangePicker value={range} onChange={(next) => setUrl({ range: next }, { push: true })} />
      </PageHeader>
      {list.error && !list.data ? <Problem error={list.error} what="The sessions" retry={() => void list.refetch()} /> : (
        <DataTable
          name="Sessions"
          columns={COLUMNS}
          rows={rows}
          rowKey={(row) => row.id}
          rowHeight={36}
          onOpen={(row) => onOpen(row.id)}
          sort={{ by: sort, down: true }}
          onSort={({ by }) => setUrl({ sort: by }, { push: true })}
          loading={list.isFetching && (rows.length === 0 || list.isFetchingNextPage)}
          hasMore={list.hasNextPage}
          onMore={() => void list.fetchNextPage()}
          bar={<FilterBar filters={FILTERS} values={url} onChange={(name, value) => setUrl({ [name]: value }, { push: true })} />}
          empty={list.hasNextPage ? (
            <EmptyState sentence="None of the latest sessions fits. Older ones have not been looked at yet." action={<Button loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>Search further back</Button>} />
          ) : filtered ? (
            <EmptyState sentence="No session of this time fits these filters." action={<Button variant="default" onClick={clear}>Remove the filters</Button>} />
          ) : (
            <EmptyState sentence="No agent has named a session in this time. Claude Code, Codex and opencode do; other programs send the header x-asbru-session." action={<Button variant="default" component={Link} {...({ to: "/records" } as object)}>Show all calls</Button>} command={COMMAND} />
          )}
        />
      )}
    </>
  );
}
