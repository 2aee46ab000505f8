// Providers and their keys: how each is, whether it answers, what it offers; make, edit, test and delete them.

import { ActionIcon, Button, Group, Menu, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useRef, useState } from "react";
import { get, idPath, patch, post, remove, wordsOf } from "@/kit/api";
import { Confirm, type Question } from "@/kit/confirm";
import { type Column, DataTable } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { duration, exact, percent, relative } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { ObjectSheet } from "@/kit/object-sheet";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import { PROVIDER_MORE, providerFields } from "@/kit/provider-fields";
import { providerTypesQuery } from "@/kit/provider-types";
import { keys } from "@/kit/query";
import type { Value } from "@/kit/schema";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { Status } from "@/kit/status";
import { toastDone, toastFailed } from "@/kit/toasts";
import { useUrlState } from "@/kit/url-state";
import { DeleteWords } from "./delete-words";
import { Health } from "./health";
import { healthQuery, providerQuery, providersQuery, readUses } from "./queries";
import type { Provider, Tested } from "./types";
import { conditionOf } from "./uses";

const COMMAND = `curl $ASBRU/api/v1/providers -H "Authorization: Bearer $TOKEN" \\
  -d '{"name": "openai", "keys": [{"name": "main", "value": "sk-..."}]}'`;

export default function ProvidersView() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [url, setUrl] = useUrlState<{ search: string; provider: string | undefined; new: string | undefined }>({ search: "", provider: undefined, new: undefined });
  const [question, setQuestion] = useState<Question | null>(null);
  const [tested, setTested] = useState<Record<string, Tested>>({});
  const [testing, setTesting] = useState<string | null>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const mayWrite = useMay("providers:write");
  const list = useInfiniteQuery(providersQuery(url.search));
  const mayLook = useMay("system:read");
  const health = useQuery({ ...healthQuery, enabled: mayLook });
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const chosen = useQuery({ ...providerQuery(url.provider ?? ""), enabled: url.provider !== undefined, placeholderData: rows.find((row) => row.id === url.provider) });

  const types = useQuery({ ...providerTypesQuery, enabled: url.new !== undefined || url.provider !== undefined });

  useShortcuts(useMemo(() => [
    { keys: "/", words: "Search providers", run: () => searchBox.current?.focus() },
    ...(mayWrite ? [{ keys: "c", words: "Add a provider", run: () => setUrl({ new: "1" }, { push: true }) }] : []),
  ], [mayWrite, setUrl]));

  const reread = async () => {
    await Promise.all([client.invalidateQueries({ queryKey: keys.noun("providers") }), client.invalidateQueries({ queryKey: ["health"] })]);
  };

  const test = async (name: string): Promise<Tested | null> => {
    setTesting(name);
    try {
      const said = await post<Tested>(`providers/${idPath(name)}/test`);
      setTested((before) => ({ ...before, [name]: said }));
      return said;
    } catch (error) {
      toastFailed(`${name} could not be tested`, error);
      return null;
    } finally {
      setTesting(null);
    }
  };
  const testFromMenu = async (name: string) => {
    const said = await test(name);
    if (said?.ok) toastDone(`${name} answers.`);
    else if (said) setUrl({ provider: name }, { push: true });
  };

  const askDelete = async (row: Provider) => {
    try {
      const uses = await readUses(row.name);
      const blocked = uses.rules.length + uses.fallbacks.length > 0;
      setQuestion({
        title: `Delete ${row.name}?`,
        words: <DeleteWords name={row.name} uses={uses} calls={health.data?.get(row.name)?.calls_5m} />,
        action: blocked ? (uses.rules.length > 0 ? "Show the rules" : "Show the fallbacks") : "Delete",
        typed: blocked ? undefined : row.name,
        run: async () => {
          if (blocked) return navigate(uses.rules.length > 0 ? { to: "/rules" as string, search: { provider: row.name } as never } : { to: "/fallbacks" as string, search: { from: uses.fallbacks[0] } as never });
          await remove(`providers/${idPath(row.id)}`);
          setUrl({ provider: undefined });
          toastDone(`${row.name} is deleted.`);
          await reread();
        },
      });
    } catch (error) {
      toastFailed(`What uses ${row.name} could not be found out`, error);
    }
  };

  const columns = useMemo<Column<Provider>[]>(() => {
    const of = (row: Provider) => health.data?.get(row.name);
    return [
      { id: "name", header: "Name", width: 150, grow: 1.2, rank: 1, cell: (row) => <strong style={{ fontWeight: 600 }}>{row.name}</strong> },
      { id: "state", header: "State", width: 170, grow: 1.2, rank: 2, cell: (row) => <State known={health.data !== undefined} condition={conditionOf(of(row), Date.now())} /> },
      { id: "keys", header: "Keys", width: 70, grow: 0.4, rank: 4, align: "right", cell: (row) => (row.keys.length ? exact(row.keys.length) : <span className="muted">none</span>) },
      { id: "calls", header: "Calls, 5 min", width: 100, grow: 0.5, rank: 3, align: "right", cell: (row) => exact(of(row)?.calls_5m) },
      { id: "failed", header: "Failed", width: 80, grow: 0.5, rank: 3, align: "right", cell: (row) => <Failed calls={of(row)?.calls_5m} failed={of(row)?.failed_5m} /> },
      { id: "latency", header: "Latency p95", width: 112, grow: 0.5, rank: 5, align: "right", cell: (row) => duration(of(row)?.latency_p95_us) },
      { id: "flight", header: "In flight", width: 80, grow: 0.4, rank: 6, align: "right", cell: (row) => exact(of(row)?.in_flight) },
      { id: "queued", header: "Queued", width: 80, grow: 0.4, rank: 9, align: "right", cell: (row) => exact(of(row)?.queued) },
      { id: "address", header: "Address", width: 160, grow: 1.4, rank: 6, cell: (row) => (row.base_url ? <span className="mono" title={row.base_url}>{row.base_url}</span> : <span className="muted" title="The address of its type">default</span>) },
      { id: "changed", header: "Changed", width: 100, grow: 0.6, rank: 7, cell: (row) => <span className="muted">{row.source === "file" ? "in the file" : relative(row.changed_ms)}</span> },
    ];
  }, [health.data]);

  const actions = (row: Provider) => (
    <Menu>
      <Menu.Target><ActionIcon aria-label={`Actions for ${row.name}`} loading={testing === row.name}><Icon name="more" /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Icon name="records" />} component={Link} {...({ to: "/records", search: { provider: row.name } } as object)}>Its records</Menu.Item>
        <Menu.Item leftSection={<Icon name="models" />} component={Link} {...({ to: "/models", search: { provider: row.name } } as object)}>Its models</Menu.Item>
        {mayWrite && <Menu.Item leftSection={<Icon name="play" />} onClick={() => void testFromMenu(row.name)}>Test</Menu.Item>}
        {mayWrite && row.source === "api" && (
          <>
            <Menu.Item leftSection={<Icon name="edit" />} onClick={() => setUrl({ provider: row.id }, { push: true })}>Edit</Menu.Item>
            <Menu.Divider />
            <Menu.Item color="red" leftSection={<Icon name="trash" />} onClick={() => void askDelete(row)}>Delete</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );

  const create = async (body: Value) => {
    const made = await post<Provider>("providers", body);
    await reread();
    // It is asked at once, as the first start does: a wrong key shows here, not with the first call.
    void test(made.name).then((said) => {
      if (said?.ok) toastDone(`${made.name} is added, and answers.`);
      else if (said) setUrl({ provider: made.name }, { push: true }); // its sheet says what is wrong, and takes another key
    });
  };
  const change = async (body: Value, version: number | undefined) => {
    await patch(`providers/${idPath(url.provider!)}`, body, version);
    toastDone(`${url.provider} is saved.`);
    await reread();
  };
  const isNew = url.new !== undefined;
  const newButton = mayWrite && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setUrl({ new: "1" }, { push: true })}>Add provider</Button>;
  const readOnly = !mayWrite ? "Your role may read providers, but not change them." : chosen.data?.source === "file" ? "This provider is declared in the configuration file; change it there." : null;

  return (
    <>
      <PageHeader title="Providers" words="Where calls go. Each has keys, of which one is chosen per call by weight.">{newButton}</PageHeader>
      {health.error && list.data && <p role="status" className="muted">How providers are is not known at the moment: {wordsOf(health.error)}</p>}
      {url.provider && chosen.isError && !chosen.data && <Problem error={chosen.error} what={`The provider ${url.provider}`} />}
      {list.error && !list.data ? <Problem error={list.error} what="The providers" retry={() => void list.refetch()} /> : (
        <DataTable
          name="Providers"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.id}
          rowHeight={42}
          onOpen={(row) => setUrl({ provider: row.id }, { push: true })}
          chosen={url.provider}
          loading={list.isFetching && (rows.length === 0 || list.isFetchingNextPage)}
          hasMore={list.hasNextPage}
          onMore={() => void list.fetchNextPage()}
          actions={actions}
          bar={<TextInput size="xs" ref={searchBox} aria-label="Search providers by name" placeholder="Search by name" leftSection={<Icon name="search" size={14} />} defaultValue={url.search} key={url.search === "" ? "empty" : "search"} onChange={(event) => setUrl({ search: event.currentTarget.value })} maw={360} />}
          empty={url.search
            ? <EmptyState sentence={`No provider has “${url.search}” in its name.`} action={<Button variant="default" onClick={() => setUrl({ search: "" })}>Show all providers</Button>} />
            : <EmptyState sentence="There is no provider yet. A provider is where models are: a service such as OpenAI, or a server of yours." action={newButton || undefined} command={COMMAND} />}
        />
      )}
      <ObjectSheet
        opened={isNew || (url.provider !== undefined && chosen.data !== undefined)}
        onClose={() => setUrl({ new: undefined, provider: undefined })}
        title={isNew ? "Add a provider" : (url.provider ?? "")}
        component="Provider"
        fields={(value) => providerFields(isNew, types.data ?? [], value)}
        more={PROVIDER_MORE}
        object={isNew ? undefined : chosen.data}
        begin={{ name: "", type: null, keys: [] }}
        readOnly={isNew ? null : readOnly}
        submit={isNew ? "Add the provider" : "Save"}
        onCreate={create}
        onChange={change}
        reload={() => get<Provider>(`providers/${idPath(url.provider!)}`)}
        head={chosen.data && !isNew && <Health provider={chosen.data} health={health.data?.get(chosen.data.name)} tested={tested[chosen.data.name]} testing={testing === chosen.data.name} onTest={mayWrite ? () => void test(chosen.data.name) : undefined} />}
      >
        {chosen.data && !isNew && !readOnly && (
          <Group mt="lg" gap="xs"><Button variant="subtle" color="red" onClick={() => void askDelete(chosen.data)}>Delete</Button></Group>
        )}
      </ObjectSheet>
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </>
  );
}

function State({ known, condition }: { known: boolean; condition: ReturnType<typeof conditionOf> }) {
  return known ? <Status tone={condition.tone}>{condition.words}</Status> : <span className="muted">–</span>;
}

function Failed({ calls, failed }: { calls: number | undefined; failed: number | undefined }) {
  if (!calls || failed === undefined) return <span className="muted">–</span>;
  return <span style={failed ? { color: "var(--bad)" } : undefined} title={`${failed} of ${calls}`}>{percent(failed / calls)}</span>;
}
