// Guardrail rules: make, edit, switch off, delete; what they find in a text, and where they act.

import { ActionIcon, Button, Drawer, Group, Menu } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { get, idPath } from "@/kit/api";
import { type Column, DataTable } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { relative } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { useNoun } from "@/kit/noun";
import { ObjectSheet } from "@/kit/object-sheet";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import { RANGE_DEFAULT } from "@/kit/ranges";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { Status } from "@/kit/status";
import { useUrlState } from "@/kit/url-state";
import { Bench } from "./bench";
import { fields, MORE } from "./fields";
import { Hits } from "./hits";
import { Proof } from "./proof";
import { checksQuery, ruleQuery, rulesQuery } from "./queries";
import { actionWords, bodyOf, type GuardrailRule, nameOf, PLACE_WORDS } from "./rule";

const COMMAND = `curl $ASBRU/api/v1/guardrails -H "Authorization: Bearer $TOKEN" \\
  -d '{"name": "no-secrets", "checks": ["secrets"], "action": "redact",
       "with": "placeholder", "places": ["input", "tool_arguments"]}'`;
const BEGIN = { name: "", checks: ["secrets"], action: "redact", with: "placeholder", places: ["input"] };

export default function GuardrailsView() {
  const [url, setUrl] = useUrlState<{ rule: string | undefined; new: string | undefined; try: string | undefined; range: string }>({ rule: undefined, new: undefined, try: undefined, range: RANGE_DEFAULT });
  const noun = useNoun("guardrails");
  const mayWrite = useMay("guardrails:write");
  const list = useInfiniteQuery(rulesQuery);
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const isNew = url.new !== undefined;
  const editing = isNew || url.rule !== undefined;
  const chosen = useQuery({ ...ruleQuery(url.rule ?? ""), enabled: url.rule !== undefined, placeholderData: rows.find((row) => row.id === url.rule) });
  const checks = useQuery({ ...checksQuery, enabled: editing });
  const { hasNextPage, isFetching, isError, fetchNextPage } = list;

  useEffect(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [hasNextPage, isFetching, isError, fetchNextPage]);
  useShortcuts(useMemo(() => (mayWrite ? [{ keys: "c", words: "Create a guardrail", run: () => setUrl({ new: "1" }, { push: true }) }] : []), [mayWrite, setUrl]));

  const setEnabled = (row: GuardrailRule, enabled: boolean) => {
    const words = (on: boolean) => (on ? `${row.name} applies again.` : `${row.name} is switched off.`);
    return noun.switchTo({ id: row.id, name: row.name, to: { enabled }, back: { enabled: !enabled }, words: words(enabled), wordsBack: words(!enabled) });
  };
  const askDelete = (row: GuardrailRule) =>
    noun.askDelete({
      id: row.id,
      name: row.name,
      words: "Calls are no longer checked by it.",
      undo: bodyOf(row),
      after: () => setUrl({ rule: undefined }),
    });

  const columns = useMemo<Column<GuardrailRule>[]>(() => [
    { id: "name", header: "Name", width: 170, grow: 1.2, rank: 1, cell: (row) => <strong style={{ fontWeight: 600 }} title={row.name}>{row.name}</strong> },
    { id: "checks", header: "Checks", width: 170, grow: 1.4, rank: 2, cell: (row) => <span className="mono">{row.checks.map(nameOf).join(", ")}</span> },
    { id: "action", header: "Action", width: 170, grow: 1, rank: 2, cell: (row) => actionWords(row) },
    { id: "places", header: "Where", width: 200, grow: 1.4, rank: 3, cell: (row) => row.places.map((place) => PLACE_WORDS[place] ?? place).join(", ") },
    { id: "when", header: "Condition", width: 180, grow: 1.4, rank: 5, cell: (row) => (row.when ? <span className="mono" title={row.when}>{row.when}</span> : <span className="muted">always</span>) },
    { id: "state", header: "State", width: 96, grow: 0.4, rank: 3, cell: (row) => (row.enabled ? <Status tone="ok">on</Status> : <Status tone="plain">off</Status>) },
    { id: "changed", header: "Changed", width: 100, grow: 0.5, rank: 8, cell: (row) => <span className="muted">{row.source === "file" ? "in the file" : relative(row.changed_ms)}</span> },
  ], []);

  const actions = (row: GuardrailRule) => (
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

  const newButton = mayWrite && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setUrl({ new: "1" }, { push: true })}>New guardrail</Button>;
  const readOnly = !mayWrite ? "Your role may read guardrails, but not change them." : chosen.data?.source === "file" ? "This rule is declared in the configuration file; change it there." : null;

  return (
    <>
      <PageHeader title="Guardrails" words="What requests and replies must not contain, and what happens if they do.">
        <Button variant="default" leftSection={<Icon name="play" size={14} />} onClick={() => setUrl({ try: "1" }, { push: true })}>Test bench</Button>
        {newButton}
      </PageHeader>
      {url.rule && chosen.isError && !chosen.data && <Problem error={chosen.error} what={`The rule ${url.rule}`} />}
      {!editing && <Hits range={url.range} onRange={(range) => setUrl({ range }, { push: true })} />}
      {list.error && !list.data ? <Problem error={list.error} what="The rules" retry={() => void list.refetch()} /> : (
        <DataTable
          name="Guardrails"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.id}
          rowHeight={42}
          onOpen={(row) => setUrl({ rule: row.id }, { push: true })}
          chosen={url.rule}
          loading={isFetching && rows.length === 0}
          actions={actions}
          empty={<EmptyState sentence="There is no guardrail yet: what requests and replies contain is not checked." action={newButton || undefined} command={COMMAND} />}
        />
      )}
      <ObjectSheet
        opened={isNew || (url.rule !== undefined && chosen.data !== undefined)}
        onClose={() => setUrl({ new: undefined, rule: undefined })}
        title={isNew ? "New guardrail" : chosen.data?.name}
        component="GuardrailRule"
        fields={fields(checks.data ?? [], isNew)}
        more={MORE}
        object={isNew ? undefined : chosen.data}
        begin={BEGIN}
        readOnly={isNew ? null : readOnly}
        submit={isNew ? "Create the guardrail" : "Save"}
        onCreate={async (body) => { await noun.create(body, `${String(body["name"])} is created.`); }}
        onChange={(body, version, before) => noun.change(url.rule!, body, version, `${chosen.data?.name ?? url.rule} is saved.`, before)}
        reload={() => get<GuardrailRule>(`guardrails/${idPath(url.rule!)}`)}
      >
        {(value) => (
          <>
            <Bench rule={value} />
            {chosen.data && !isNew && <Proof rule={chosen.data.name} />}
            {chosen.data && !isNew && !readOnly && <Group mt="lg"><Button variant="subtle" color="red" onClick={() => askDelete(chosen.data)}>Delete</Button></Group>}
          </>
        )}
      </ObjectSheet>
      <Drawer opened={url.try !== undefined && !editing} onClose={() => setUrl({ try: undefined })} title="What do the rules find?" styles={{ title: { fontWeight: 600, fontSize: "1rem" } }} closeButtonProps={{ "aria-label": "Close" }}>
        <p className="muted" style={{ margin: 0 }}>All rules that are on. Nothing is sent or stored.</p>
        <Bench rule={null} />
      </Drawer>
      {noun.asking}
    </>
  );
}
