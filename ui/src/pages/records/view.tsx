// Calls, the newest first: filters in the URL, live, and the details of one in a sheet.

import { ActionIcon, Button, Group, Menu, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { apiUrl } from "@/kit/api";
import { DataTable } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { FilterBar } from "@/kit/filter-bar";
import { Icon } from "@/kit/icons";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import { keys } from "@/kit/query";
import { RangePicker } from "@/kit/range-picker";
import { isRolling, spanOf } from "@/kit/ranges";
import { SampleNote } from "@/kit/sample";
import { useShortcuts } from "@/kit/shortcuts";
import { Status } from "@/kit/status";
import type { CallRecord } from "@/kit/types";
import { useUrlState } from "@/kit/url-state";
import { COLUMNS } from "./columns";
import { Detail } from "./detail";
import { asked, FILTER_NAMES, FILTERS, URL_DEFAULTS } from "./filters";
import { recordsQuery } from "./queries";
import { useLive } from "./use-live";

export default function RecordsView() {
  const client = useQueryClient();
  const [url, setUrl] = useUrlState(URL_DEFAULTS);
  const range = url["range"]!;
  const filters = useMemo(() => asked(url), [url]);
  const filtered = Object.keys(filters).length > 0;
  const searchBox = useRef<HTMLInputElement>(null);
  const list = useInfiniteQuery(recordsQuery(range, filters));
  const reread = () => void client.invalidateQueries({ queryKey: keys.list("records", { range, ...filters }) });
  const live = useLive(url["live"] === "1" && isRolling(range), filters, reread);
  const rows = useMemo(() => merged(live.records, list.data?.pages.flatMap((page) => page.items) ?? []), [live.records, list.data]);
  const search = useDebouncedCallback((text: string) => setUrl({ text }), 250);
  const place = rows.findIndex((row) => row.id === url["id"]);
  const clear = () => {
    if (searchBox.current) searchBox.current.value = "";
    setUrl({ text: undefined, ...Object.fromEntries(FILTER_NAMES.map((name) => [name, undefined])) }, { push: true });
  };
  const toggleLive = () => setUrl({ live: url["live"] ? undefined : "1", ...(isRolling(range) ? {} : { range: undefined }) });

  useShortcuts(useMemo(() => [
    { keys: "/", words: "Search records", run: () => searchBox.current?.focus() },
    { keys: "l", words: "Live on or off", run: () => setUrl({ live: url["live"] ? undefined : "1" }) },
  ], [setUrl, url["live"]]));

  return (
    <>
      <PageHeader title="Records">
        <LiveButton on={url["live"] === "1"} state={live.state} onToggle={toggleLive} />
        <RangePicker value={range} onChange={(next) => setUrl({ range: next, ...(isRolling(next) ? {} : { live: undefined }) }, { push: true })} />
        <ExportMenu range={range} filters={filters} />
      </PageHeader>
      <SampleNote />
      {live.missed && <p className="muted" role="status">More records came than can be shown live; reload the list to see all of them.</p>}
      {list.error && !list.data ? <Problem error={list.error} what="The records" retry={() => void list.refetch()} /> : (
        <DataTable
          name="Records"
          columns={COLUMNS}
          rows={rows}
          rowKey={(row) => row.id}
          rowHeight={36}
          onOpen={(row) => setUrl({ id: row.id }, { push: true })}
          chosen={url["id"]}
          loading={list.isFetching && (rows.length === 0 || list.isFetchingNextPage)}
          hasMore={list.hasNextPage}
          onMore={() => void list.fetchNextPage()}
          bar={
            <Group gap={8}>
              <TextInput size="xs" ref={searchBox} aria-label="Search models, errors and notes" placeholder="Search models, errors, notes" leftSection={<Icon name="search" size={14} />} defaultValue={url["text"]} onChange={(event) => search(event.currentTarget.value)} w={260} />
              <FilterBar filters={FILTERS} values={url} onChange={(name, value) => setUrl({ [name]: value }, { push: true })} />
            </Group>
          }
          empty={list.hasNextPage ? (
            <EmptyState sentence="None of the newest records fits. Older ones have not been looked at yet." action={<Button loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>Search further back</Button>} />
          ) : filtered ? (
            <EmptyState sentence="No record of this time fits these filters." action={<Button variant="default" onClick={clear}>Remove the filters</Button>} />
          ) : (
            <EmptyState sentence="No calls were recorded in this time. Each call that a program sends appears here." action={<Button component={Link} {...({ to: "/keys", search: { new: "1" } } as object)}>Create a key</Button>} command="asbru tail" />
          )}
        />
      )}
      <Detail
        id={url["id"]}
        onClose={() => setUrl({ id: undefined })}
        onPrevious={place > 0 ? () => setUrl({ id: rows[place - 1]!.id }) : undefined}
        onNext={place >= 0 && place < rows.length - 1 ? () => setUrl({ id: rows[place + 1]!.id }) : undefined}
        onOpen={(id) => setUrl({ id }, { push: true })}
        onFilter={(name, value) => setUrl({ [name]: value, id: undefined }, { push: true })}
      />
    </>
  );
}

/** Those that came live before those of the list, each once. */
function merged(live: readonly CallRecord[], listed: readonly CallRecord[]): readonly CallRecord[] {
  if (live.length === 0) return listed;
  const fresh = new Set(live.map((record) => record.id));
  return [...live, ...listed.filter((record) => !fresh.has(record.id))];
}

function LiveButton({ on, state, onToggle }: { on: boolean; state: string; onToggle: () => void }) {
  return (
    <Tooltip label={on ? "Stop following (l)" : "Show calls as they come (l)"}>
      <Button variant={on ? "light" : "default"} aria-pressed={on} leftSection={<Icon name={on ? "pause" : "play"} size={14} />} onClick={onToggle}>
        {on ? <Status tone={state === "on" ? "ok" : state === "lost" ? "bad" : "plain"}>Live</Status> : "Live"}
      </Button>
    </Tooltip>
  );
}

function ExportMenu({ range, filters }: { range: string; filters: Record<string, string> }) {
  const href = (format: string) => {
    const span = spanOf(range, Date.now());
    return apiUrl("records/export", { ...filters, format, since_ms: Math.round(span.since_ms), until_ms: Math.round(span.until_ms) });
  };
  return (
    <Menu>
      <Menu.Target><ActionIcon variant="default" size={30} aria-label="Export"><Icon name="download" /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" href={href("csv")} download>Export as CSV</Menu.Item>
        <Menu.Item component="a" href={href("jsonl")} download>Export as JSON lines</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
