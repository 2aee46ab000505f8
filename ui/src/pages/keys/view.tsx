// Virtual keys: who may call, what each has used of its limits; make, edit, rotate, switch off and delete them. The model
// for other pages of objects.

import { ActionIcon, Button, Group, Menu, Select, Stack, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useRef, useState } from "react";
import { get, idPath, post } from "@/kit/api";
import { type Column, DataTable } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { relative } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { useNoun } from "@/kit/noun";
import { ObjectSheet } from "@/kit/object-sheet";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import type { Value } from "@/kit/schema";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { standingQuery } from "@/kit/standing";
import { Status } from "@/kit/status";
import type { VirtualKey } from "@/kit/types";
import { useUrlState } from "@/kit/url-state";
import { fields, moreFields } from "./fields";
import { keyQuery, keysQuery, ownersQuery } from "./queries";
import { KeyLimits, Usage } from "./usage";
import { type MadeKey, ValueDialog } from "./value-dialog";

const GRACES = [
  { value: "0", label: "ends at once" },
  { value: "3600", label: "works for 1 more hour" },
  { value: "86400", label: "works for 1 more day" },
  { value: "604800", label: "works for 7 more days" },
];
const STANDING_MAX = 100;

export default function KeysView() {
  const client = useQueryClient();
  const [url, setUrl] = useUrlState<{ search: string; key: string | undefined; new: string | undefined }>({ search: "", key: undefined, new: undefined });
  const noun = useNoun("keys");
  const [made, setMade] = useState<MadeKey | null>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const mayWrite = useMay("keys:write");
  const maySpend = useMay("spend:read");
  const list = useInfiniteQuery(keysQuery(url.search));
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const limited = useMemo(() => rows.filter((row) => row.budgets.length + row.rate_limits.length > 0).slice(0, STANDING_MAX).map((row) => row.id), [rows]);
  const standing = useQuery(standingQuery("key", limited));
  const chosen = useQuery({ ...keyQuery(url.key ?? ""), enabled: url.key !== undefined, placeholderData: rows.find((row) => row.id === url.key) });
  const editing = url.key !== undefined || url.new !== undefined;
  const teams = useQuery({ ...ownersQuery("teams"), enabled: editing });
  const customers = useQuery({ ...ownersQuery("customers"), enabled: editing });

  useShortcuts(useMemo(() => [
    { keys: "/", words: "Search keys", run: () => searchBox.current?.focus() },
    ...(mayWrite ? [{ keys: "c", words: "Create a key", run: () => setUrl({ new: "1" }, { push: true }) }] : []),
  ], [mayWrite, setUrl]));

  const show = (row: VirtualKey) => (patched: Value) => {
    const queryKey = keysQuery(url.search).queryKey;
    const before = client.getQueryData(queryKey);
    client.setQueryData(queryKey, (data) => data && { ...data, pages: data.pages.map((page) => ({ ...page, items: page.items.map((one) => (one.id === row.id ? { ...one, ...patched } : one)) })) });
    return () => client.setQueryData(queryKey, before);
  };
  const setActive = (row: VirtualKey, active: boolean) => {
    const words = (on: boolean) => (on ? `${row.name} is active.` : `${row.name} is switched off; its calls are refused.`);
    return noun.switchTo({ id: row.id, name: row.name, to: { active }, back: { active: !active }, words: words(active), wordsBack: words(!active), show: show(row) });
  };

  const askRotate = (row: VirtualKey) => {
    let grace_s = 0;
    noun.ask({
      title: `Rotate ${row.name}?`,
      words: (
        <Stack gap="sm">
          <span>The key gets a new value. Programs that use the old one have to be given the new one.</span>
          <Select label="The old value" data={GRACES} defaultValue="0" allowDeselect={false} onChange={(value) => { grace_s = Number(value); }} />
        </Stack>
      ),
      action: "Rotate",
      run: async () => {
        const rotated = await post<{ id: string; value: string }>(`keys/${idPath(row.id)}/rotate`, { grace_s });
        setMade({ id: rotated.id, value: rotated.value, rotated: true });
        await noun.reread();
      },
    });
  };

  const askDelete = (row: VirtualKey) =>
    noun.askDelete({
      id: row.id,
      name: row.name,
      words: "Calls with this key are refused from now on. Its records stay. This cannot be undone; switching the key off can.",
      typed: true,
      after: () => setUrl({ key: undefined }),
    });

  const columns = useMemo<Column<VirtualKey>[]>(() => [
    { id: "name", header: "Name", width: 170, grow: 1.4, rank: 1, cell: (row) => <strong style={{ fontWeight: 600 }}>{row.name}</strong> },
    { id: "state", header: "State", width: 110, grow: 0.5, rank: 2, cell: (row) => <KeyState row={row} /> },
    { id: "team", header: "Team", width: 110, rank: 3, cell: (row) => row.team ?? row.customer ?? <span className="muted">none</span> },
    { id: "usage", header: "Usage", width: 210, grow: 1.6, rank: 2, cell: (row) => <Usage row={row} standing={standing.data} /> },
    { id: "models", header: "Models", width: 150, grow: 1.2, rank: 4, cell: (row) => <span title={row.models.join(", ")}>{row.models.length === 1 && row.models[0] === "*" ? <span className="muted">all</span> : row.models.join(", ")}</span> },
    { id: "expires", header: "Expires", width: 100, rank: 6, cell: (row) => (row.expires_at ? <span title={row.expires_at}>{relative(Date.parse(row.expires_at))}</span> : <span className="muted">never</span>) },
    { id: "changed", header: "Changed", width: 100, rank: 7, cell: (row) => <span className="muted">{row.source === "file" ? "in the file" : relative(row.changed_ms)}</span> },
    { id: "tags", header: "Tags", width: 120, rank: 9, cell: (row) => Object.entries(row.tags).map(([name, value]) => `${name}=${value}`).join(", ") },
  ], [standing.data]);

  const actions = (row: VirtualKey) => (
    <Menu>
      <Menu.Target><ActionIcon aria-label={`Actions for ${row.name}`}><Icon name="more" /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Icon name="records" />} component={Link} {...({ to: "/records", search: { caller: row.name } } as object)}>Its records</Menu.Item>
        <Menu.Item leftSection={<Icon name="sessions" />} component={Link} {...({ to: "/sessions", search: { caller: row.name } } as object)}>Its sessions</Menu.Item>
        {maySpend && <Menu.Item leftSection={<Icon name="overview" />} component={Link} {...({ to: "/overview", search: { caller: row.name, by: "model" } } as object)}>Its spend</Menu.Item>}
        {mayWrite && row.source === "api" && (
          <>
            <Menu.Item leftSection={<Icon name="edit" />} onClick={() => setUrl({ key: row.id }, { push: true })}>Edit</Menu.Item>
            <Menu.Item leftSection={<Icon name="rotate" />} onClick={() => askRotate(row)}>Rotate</Menu.Item>
            <Menu.Item leftSection={<Icon name="power" />} onClick={() => void setActive(row, !row.active)}>{row.active ? "Switch off" : "Switch on"}</Menu.Item>
            <Menu.Divider />
            <Menu.Item color="red" leftSection={<Icon name="trash" />} onClick={() => askDelete(row)}>Delete</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );

  const create = async (body: Value) => {
    const key = await noun.create<{ id: string; value: string }>(body);
    setMade({ id: key.id, value: key.value, rotated: false });
  };
  const newButton = mayWrite && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setUrl({ new: "1" }, { push: true })}>New key</Button>;
  const readOnly = !mayWrite ? "Your role may read keys, but not change them." : chosen.data?.source === "file" ? "This key is declared in the configuration file; change it there." : null;

  return (
    <>
      <PageHeader title="Virtual keys" words="What programs call the gateway with. Each has its own access, budgets and limits.">{newButton}</PageHeader>
      {list.error && !list.data ? <Problem error={list.error} what="The keys" retry={() => void list.refetch()} /> : (
        <DataTable
          name="Virtual keys"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.id}
          rowHeight={46}
          onOpen={(row) => setUrl({ key: row.id }, { push: true })}
          chosen={url.key}
          loading={list.isFetching && (rows.length === 0 || list.isFetchingNextPage)}
          hasMore={list.hasNextPage}
          onMore={() => void list.fetchNextPage()}
          actions={actions}
          bar={<TextInput size="xs" ref={searchBox} aria-label="Search keys by name" placeholder="Search by name" leftSection={<Icon name="search" size={14} />} defaultValue={url.search} key={url.search === "" ? "empty" : "search"} onChange={(event) => setUrl({ search: event.currentTarget.value })} maw={360} />}
          empty={url.search ? <EmptyState sentence={`No key has “${url.search}” in its name.`} action={<Button variant="default" onClick={() => setUrl({ search: "" })}>Show all keys</Button>} /> : <EmptyState sentence="There is no virtual key yet. Programs call the gateway with one; budgets, limits and records are kept by key." action={newButton} command="asbru keys create name=app" />}
        />
      )}
      <ObjectSheet
        opened={editing && (url.new !== undefined || chosen.data !== undefined)}
        onClose={() => setUrl({ key: undefined, new: undefined })}
        title={url.new !== undefined ? "New virtual key" : chosen.data?.name}
        component="Access"
        fields={fields(teams.data ?? [], url.new !== undefined)}
        more={moreFields(customers.data ?? [])}
        object={url.new === undefined ? chosen.data : undefined}
        begin={{ name: "", models: ["*"] }}
        readOnly={readOnly}
        head={chosen.data && url.new === undefined && <KeyLimits row={chosen.data} />}
        submit={url.new !== undefined ? "Create the key" : "Save"}
        onCreate={create}
        onChange={(body, version, before) => noun.change(url.key!, body, version, `${url.key} is saved.`, before)}
        reload={() => get<VirtualKey>(`keys/${idPath(url.key!)}`)}
      >
        {chosen.data && url.new === undefined && (
          <Group mt="lg" gap="xs">
            <Button variant="default" component={Link} {...({ to: "/records", search: { caller: chosen.data.name } } as object)}>Its records</Button>
            <Button variant="default" component={Link} {...({ to: "/sessions", search: { caller: chosen.data.name } } as object)}>Its sessions</Button>
            {!readOnly && <Button variant="default" onClick={() => askRotate(chosen.data)}>Rotate</Button>}
            {!readOnly && <Button variant="subtle" color="red" onClick={() => askDelete(chosen.data)}>Delete</Button>}
          </Group>
        )}
      </ObjectSheet>
      {noun.asking}
      {made && <ValueDialog made={made} model="mock/echo" onClose={() => setMade(null)} />}
    </>
  );
}

function KeyState({ row }: { row: VirtualKey }) {
  if (!row.active) return <Status tone="plain">off</Status>;
  if (row.expires_at && Date.parse(row.expires_at) < Date.now()) return <Status tone="bad">expired</Status>;
  return <Status tone="ok">active</Status>;
}
