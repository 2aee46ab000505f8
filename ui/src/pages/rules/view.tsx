// Routing rules in the order in which they are evaluated: make, edit, switch off, delete, and try them on a call.

import { ActionIcon, Button, Drawer, Group, Menu } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { get, idPath } from "@/kit/api";
import { type Column, DataTable } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { FilterBar } from "@/kit/filter-bar";
import { relative } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { useNoun } from "@/kit/noun";
import { ObjectSheet } from "@/kit/object-sheet";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { Status } from "@/kit/status";
import { useUrlState } from "@/kit/url-state";
import { fields, isGlobal, MORE } from "./fields";
import { modelNamesQuery, providerNamesQuery, ruleQuery, rulesQuery } from "./queries";
import { bodyOf, inOrder, type Rule, SCOPE_WORDS, targetsWords } from "./rule";
import { Trial } from "./trial";

const COMMAND = `curl $ASBRU/api/v1/routing-rules -H "Authorization: Bearer $TOKEN" \\
  -d '{"name": "agents", "when": "headers[\\"user-agent\\"].contains(\\"claude-cli\\")",
       "to": [{"provider": "groq", "model": "llama-3.3-70b-versatile"}]}'`;

export default function RulesView() {
  const [url, setUrl] = useUrlState<{ provider: string | undefined; rule: string | undefined; new: string | undefined; try: string | undefined; record: string | undefined }>({ provider: undefined, rule: undefined, new: undefined, try: undefined, record: undefined });
  const noun = useNoun("routing-rules");
  const mayWrite = useMay("routing-rules:write");
  const [mayProviders, mayModels] = [useMay("providers:read"), useMay("models:read")];
  const list = useInfiniteQuery(rulesQuery(url.provider ?? ""));
  const rows = useMemo(() => inOrder(list.data?.pages.flatMap((page) => page.items) ?? []), [list.data]);
  const isNew = url.new !== undefined;
  const editing = isNew || url.rule !== undefined;
  const chosen = useQuery({ ...ruleQuery(url.rule ?? ""), enabled: url.rule !== undefined, placeholderData: rows.find((row) => row.id === url.rule) });
  const providers = useQuery({ ...providerNamesQuery, enabled: mayProviders });
  const models = useQuery({ ...modelNamesQuery, enabled: editing && mayModels });
  const { hasNextPage, isFetching, isError, fetchNextPage } = list;

  useEffect(() => {
    // The order is that of all rules, of which there are at most some thousand.
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, fetchNextPage]);
  useShortcuts(useMemo(() => (mayWrite ? [{ keys: "c", words: "Create a rule", run: () => setUrl({ new: "1" }, { push: true }) }] : []), [mayWrite, setUrl]));

  const setEnabled = (row: Rule, enabled: boolean) => {
    const words = (on: boolean) => (on ? `${row.name} applies again.` : `${row.name} is switched off.`);
    return noun.switchTo({ id: row.id, name: row.name, to: { enabled }, back: { enabled: !enabled }, words: words(enabled), wordsBack: words(!enabled) });
  };
  const askDelete = (row: Rule) =>
    noun.askDelete({
      id: row.id,
      name: row.name,
      words: `Calls that it sent to ${targetsWords(row.to)} go by the next rule that applies, or to what they ask for.`,
      undo: bodyOf(row),
      after: () => setUrl({ rule: undefined }),
    });

  const columns = useMemo<Column<Rule>[]>(() => [
    { id: "name", header: "Name", width: 170, grow: 1.2, rank: 1, cell: (row) => <strong style={{ fontWeight: 600 }} title={row.name}>{row.name}</strong> },
    { id: "scope", header: "Whose calls", width: 150, rank: 3, cell: (row) => <span title={row.owner}>{row.scope === "global" ? <span className="muted">{SCOPE_WORDS.global}</span> : <>{SCOPE_WORDS[row.scope]} <strong style={{ fontWeight: 600 }}>{row.owner}</strong></>}</span> },
    { id: "priority", header: "Priority", width: 76, grow: 0.3, rank: 5, align: "right", cell: (row) => row.priority },
    { id: "when", header: "Condition", width: 220, grow: 2, rank: 2, cell: (row) => (row.when ? <span className="mono" title={row.when}>{row.when}</span> : <span className="muted">always</span>) },
    { id: "to", header: "Goes to", width: 210, grow: 1.8, rank: 2, cell: (row) => <span className="mono" title={targetsWords(row.to)}>{targetsWords(row.to)}</span> },
    { id: "fallbacks", header: "Fallbacks", width: 130, rank: 6, cell: (row) => <span title={row.fallbacks.join(", ")}>{row.fallbacks.length ? row.fallbacks.join(", ") : <span className="muted">as configured</span>}</span> },
    { id: "state", header: "State", width: 96, grow: 0.4, rank: 3, cell: (row) => (row.enabled ? <Status tone="ok">{row.chain ? "on, chained" : "on"}</Status> : <Status tone="plain">off</Status>) },
    { id: "changed", header: "Changed", width: 100, grow: 0.5, rank: 8, cell: (row) => <span className="muted">{row.source === "file" ? "in the file" : relative(row.changed_ms)}</span> },
  ], []);

  const actions = (row: Rule) => (
    <Menu>
      <Menu.Target><ActionIcon aria-label={`Actions for ${row.name}`}><Icon name="more" /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Icon name="records" />} component={Link} {...({ to: "/records", search: { text: row.name } } as object)}>Records that mention it</Menu.Item>
        {mayWrite && row.source === "api" && (
          <>
            <Menu.Item leftSection={<Icon name="edit" />} onClick={() => setUrl({ rule: row.id }, { push: true })}>Edit</Menu.Item>
            <Menu.Item leftSection={<Icon name="power" />} onClick={() => void setEnabled(row, !row.enabled)}>{row.enabled ? "Switch off" : "Switch on"}</Menu.Item>
            <Menu.Divider />
            <Menu.Item color="red" leftSection={<Icon name="trash" />} onClick={() => askDelete(row)}>Delete</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );

  const newButton = mayWrite && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setUrl({ new: "1" }, { push: true })}>New rule</Button>;
  const readOnly = !mayWrite ? "Your role may read rules, but not change them." : chosen.data?.source === "file" ? "This rule is declared in the configuration file; change it there." : null;

  return (
    <>
      <PageHeader title="Routing rules" words="The first one whose condition holds decides where a call goes.">
        <Button variant="default" leftSection={<Icon name="play" size={14} />} onClick={() => setUrl({ try: "1" }, { push: true })}>Dry run</Button>
        {newButton}
      </PageHeader>
      {url.rule && chosen.isError && !chosen.data && <Problem error={chosen.error} what={`The rule ${url.rule}`} />}
      {list.error && !list.data ? <Problem error={list.error} what="The rules" retry={() => void list.refetch()} /> : (
        <DataTable
          name="Routing rules"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.id}
          rowHeight={42}
          onOpen={(row) => setUrl({ rule: row.id }, { push: true })}
          chosen={url.rule}
          loading={isFetching && rows.length === 0}
          actions={actions}
          bar={<FilterBar filters={[{ name: "provider", label: "Provider", options: providers.data ?? [] }]} values={url} onChange={(name, value) => setUrl({ [name]: value })} />}
          empty={url.provider
            ? <EmptyState sentence={`No rule sends calls to ${url.provider}.`} action={<Button variant="default" onClick={() => setUrl({ provider: undefined })}>Show all rules</Button>} />
            : <EmptyState sentence="There is no routing rule yet: each call goes to the provider and model that it asks for." action={newButton || undefined} command={COMMAND} />}
        />
      )}
      <ObjectSheet
        opened={isNew || (url.rule !== undefined && chosen.data !== undefined)}
        onClose={() => setUrl({ new: undefined, rule: undefined })}
        title={isNew ? "New routing rule" : chosen.data?.name}
        component="RoutingRule"
        fields={fields(providers.data ?? [], models.data ?? [], isNew)}
        more={MORE}
        object={isNew ? undefined : chosen.data}
        begin={{ name: "", when: "", to: [{ weight: 1 }] }}
        readOnly={isNew ? null : readOnly}
        submit={isNew ? "Create the rule" : "Save"}
        onCreate={async (body) => { await noun.create(isGlobal(body) ? { ...body, owner: "" } : body, `${String(body["name"])} is created.`); }}
        onChange={(body, version, before) => noun.change(url.rule!, body, version, `${chosen.data?.name ?? url.rule} is saved.`, before)}
        reload={() => get<Rule>(`routing-rules/${idPath(url.rule!)}`)}
      >
        {(value) => (
          <>
            <Trial rule={value} record={url.record} />
            {chosen.data && !isNew && !readOnly && <Group mt="lg"><Button variant="subtle" color="red" onClick={() => askDelete(chosen.data)}>Delete</Button></Group>}
          </>
        )}
      </ObjectSheet>
      <Drawer opened={url.try !== undefined && !editing} onClose={() => setUrl({ try: undefined, record: undefined })} title="Where would a call go?" styles={{ title: { fontWeight: 600, fontSize: "1rem" } }} closeButtonProps={{ "aria-label": "Close" }}>
        <p className="muted" style={{ margin: 0 }}>By the rules as they are. Nothing is sent or stored.</p>
        <Trial rule={null} record={url.record} />
      </Drawer>
      {noun.asking}
    </>
  );
}
