// Named lists of tools, which keys, teams and customers may list, each with an address of its own.

import { Button, Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { get, idPath } from "@/kit/api";
import { type Column, DataTable } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { Icon } from "@/kit/icons";
import { useNoun } from "@/kit/noun";
import { ObjectSheet } from "@/kit/object-sheet";
import { Problem } from "@/kit/problem";
import { keys } from "@/kit/query";
import type { Field } from "@/kit/schema-form";
import { useMay } from "@/kit/session";
import { useUrlState } from "@/kit/url-state";
import type { ToolGroup } from "./types";

const FIELDS: readonly Field[] = [
  { name: "name", placeholder: "research" },
  { name: "tools", placeholder: "github/get_*", help: "Patterns server/tool, with * for any text." },
];

export function Groups() {
  const [url, setUrl] = useUrlState<{ group: string | undefined; new: string | undefined }>({ group: undefined, new: undefined });
  const noun = useNoun("mcp-groups", ["mcp"]);
  const may = useMay("mcp-groups:write");
  const list = useQuery({ queryKey: keys.list("mcp-groups"), queryFn: ({ signal }) => get<{ items: ToolGroup[] }>("mcp-groups", { limit: 200 }, signal) });
  const rows = list.data?.items ?? [];
  const columns = useMemo<Column<ToolGroup>[]>(() => [
    { id: "name", header: "Group", width: 160, grow: 1, rank: 1, cell: (row) => <strong style={{ fontWeight: 600 }}>{row.name}</strong> },
    { id: "tools", header: "Tools", width: 300, grow: 3, rank: 1, cell: (row) => <span className="mono" title={row.tools.join(", ")}>{row.tools.join(", ") || "none"}</span> },
    { id: "address", header: "Address", width: 160, grow: 1, rank: 2, cell: (row) => <span className="mono">/mcp/{row.name}</span> },
    { id: "source", header: "Declared in", width: 130, rank: 3, cell: (row) => (row.source === "file" ? "the file" : "the database") },
  ], []);
  const chosen = rows.find((row) => row.name === url.group);
  const isNew = url.new !== undefined;
  const newButton = may && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setUrl({ new: "1" }, { push: true })}>New group</Button>;
  const close = () => setUrl({ group: undefined, new: undefined });
  return (
    <>
      <Group justify="flex-end" mb="sm">{newButton}</Group>
      {list.error && !list.data ? <Problem error={list.error} what="The groups" retry={() => void list.refetch()} /> : (
        <DataTable
          name="Groups"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.name}
          onOpen={(row) => setUrl({ group: row.name }, { push: true })}
          chosen={url.group}
          loading={list.isFetching && !list.data}
          empty={<EmptyState sentence="There is no group yet. With one, a key lists a name in place of many tools, and an agent connects to /mcp/NAME." action={newButton} />}
        />
      )}
      <ObjectSheet
        opened={isNew || chosen !== undefined}
        onClose={close}
        title={isNew ? "New group" : (chosen?.name ?? "")}
        component="McpGroup"
        fields={isNew ? FIELDS : FIELDS.slice(1)}
        begin={{ name: "", tools: [] }}
        {...(chosen ? { object: chosen, reload: () => get<ToolGroup>(`mcp-groups/${idPath(chosen.name)}`) } : {})}
        readOnly={!may ? "You may look at groups, not change them." : chosen?.source === "file" ? "It is declared in the configuration file, and is changed there." : null}
        submit={isNew ? "Create the group" : "Save"}
        onCreate={async (body) => { await noun.create(body, `${String(body["name"])} is created; keys may list it.`); }}
        onChange={(body, version, before) => noun.change(chosen!.name, body, version, `${chosen!.name} is saved.`, before)}
      >
        {chosen && may && chosen.source === "api" && (
          <Button mt="md" variant="default" color="red" leftSection={<Icon name="trash" size={14} />} onClick={() => noun.askDelete({ id: chosen.name, name: chosen.name, title: `Delete the group ${chosen.name}?`, words: "Keys that list it lose the tools that only it gave them.", version: chosen.version, done: `${chosen.name} is deleted.`, after: close })}>Delete…</Button>
        )}
      </ObjectSheet>
      {noun.asking}
    </>
  );
}
