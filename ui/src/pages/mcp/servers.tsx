// MCP servers: how each stands, and one of them in a drawer: what it offers, what has changed and waits for approval, and
// authorizing Asbru at it.

import { Alert, Button, Drawer, Group, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { get, idPath, post } from "@/kit/api";
import { CodeBlock } from "@/kit/code-block";
import { type Column, DataTable } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { count } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { useNoun } from "@/kit/noun";
import { ObjectSheet } from "@/kit/object-sheet";
import { Problem } from "@/kit/problem";
import { keys } from "@/kit/query";
import type { Field } from "@/kit/schema-form";
import { useMay } from "@/kit/session";
import { Status } from "@/kit/status";
import { toastDone, toastFailed } from "@/kit/toasts";
import { useUrlState } from "@/kit/url-state";
import { ApiSheet } from "./api-sheet";
import classes from "./mcp.module.css";
import type { Grant, Offered, ShownServer, ToolServerSummary } from "./types";
import { Suspicion } from "./suspicion";
import { Trial } from "./trial";
import { descriptionOf, heldOf, json, KINDS, search, stateOf } from "./words";

const LOOK_MS = 5000;

/** What is asked of a server that is added or changed here: where it is, then how Asbru is let in. */
const FIELDS: readonly Field[] = [
  { name: "name", placeholder: "github" },
  { name: "url", label: "URL", placeholder: "https://api.example/mcp", hidden: (value) => (value["command"] as string[] | undefined)?.length !== undefined && (value["command"] as string[]).length > 0 },
  { name: "command", placeholder: "npx -y some-server", help: "Program to start, with its arguments, in place of a URL. Only programs that mcp.commands_from_api lists.", hidden: (value) => Boolean(value["url"]) },
  { name: "env", label: "Environment", hidden: (value) => Boolean(value["url"]) },
  { name: "auth", label: "Authentication", hidden: (value) => !value["url"] },
  { name: "headers", placeholder: "authorization=Bearer …", hidden: (value) => !value["url"] || value["auth"] === "oauth" },
  { name: "per_user", label: "One authorization for each virtual key", hidden: (value) => !value["url"] },
  { name: "trusted", label: "Use changed tools without approval" },
  { name: "code_mode", label: "Code mode: tools are called from scripts" },
];
const MORE: readonly Field[] = [
  { name: "transport", hidden: (value) => !value["url"] },
  { name: "client_id", label: "OAuth client", hidden: (value) => value["auth"] !== "oauth" },
  { name: "client_secret", label: "OAuth client secret", hidden: (value) => value["auth"] !== "oauth" },
  { name: "scope", label: "OAuth scopes", hidden: (value) => value["auth"] !== "oauth" },
  { name: "allow_private", label: "May be at a private address", hidden: (value) => !value["url"] },
  { name: "allow_loopback", label: "May be on this machine", hidden: (value) => !value["url"] },
  { name: "timeout_s", label: "Silence during a call", unit: "s" },
  { name: "price_usd", label: "Price of a call", unit: "$" },
];

type StoredServer = Record<string, unknown> & { id: string; name: string; source: "file" | "api"; version: number };

/** The servers, and one of them in a drawer. */
export function Servers() {
  const [url, setUrl] = useUrlState<{ server: string | undefined; new: string | undefined }>({ server: undefined, new: undefined });
  const noun = useNoun("mcp-servers", ["mcp"]);
  const mayWrite = useMay("mcp-servers:write");
  const list = useQuery({
    queryKey: keys.list("mcp"),
    queryFn: ({ signal }) => get<{ items: ToolServerSummary[] }>("mcp/servers", {}, signal),
    refetchInterval: LOOK_MS,
  });
  const rows = list.data?.items ?? [];
  const columns = useMemo<Column<ToolServerSummary>[]>(() => [
    { id: "name", header: "Server", width: 150, grow: 1, rank: 1, cell: (row) => <strong style={{ fontWeight: 600 }}>{row.name}</strong> },
    { id: "state", header: "State", width: 140, rank: 1, cell: (row) => <State server={row} /> },
    { id: "held", header: "To approve", width: 110, rank: 2, align: "right", cell: (row) => (row.held > 0 ? <strong>{row.held}</strong> : <span className="muted">–</span>) },
    { id: "suspicious", header: "Suspicious", width: 110, rank: 3, align: "right", cell: (row) => (row.suspicious > 0 ? <strong>{row.suspicious}</strong> : <span className="muted">–</span>) },
    { id: "tools", header: "Tools", width: 80, rank: 2, align: "right", cell: (row) => row.tools },
    { id: "where", header: "Where", width: 220, grow: 1.6, rank: 4, cell: (row) => (row.endpoint ? <span className="mono" title={row.endpoint}>{row.endpoint}</span> : <span className="muted">run by Asbru</span>) },
    { id: "reason", header: "Why", width: 200, grow: 1.6, rank: 3, cell: (row) => <span title={row.reason}>{row.reason || <span className="muted">–</span>}</span> },
  ], []);
  const newButton = mayWrite && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setUrl({ new: "1" }, { push: true })}>New server</Button>;
  return (
    <>
      <Group justify="flex-end" mb="sm">
        {mayWrite && <Button variant="default" onClick={() => setUrl({ new: "api" }, { push: true })}>From an API document</Button>}
        {newButton}
      </Group>
      {list.error && !list.data ? <Problem error={list.error} what="The MCP servers" retry={() => void list.refetch()} /> : (
        <DataTable
          name="MCP servers"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.name}
          onOpen={(row) => setUrl({ server: row.name }, { push: true })}
          chosen={url.server}
          loading={list.isFetching && !list.data}
          empty={<EmptyState sentence="There is no MCP server yet. With one, agents list and call its tools at /mcp." action={newButton} />}
        />
      )}
      <Drawer opened={url.server !== undefined} onClose={() => setUrl({ server: undefined })} title={url.server ?? ""} size={720} styles={{ title: { fontWeight: 600, fontSize: "1rem" } }} closeButtonProps={{ "aria-label": "Close" }}>
        {url.server !== undefined && <Detail name={url.server} onGone={() => setUrl({ server: undefined })} />}
      </Drawer>
      <ObjectSheet
        opened={url.new !== undefined && url.new !== "api"}
        onClose={() => setUrl({ new: undefined })}
        title="New MCP server"
        component="McpServer"
        fields={FIELDS}
        more={MORE}
        begin={{ name: "" }}
        submit="Create the server"
        onCreate={async (body) => { await noun.create(body, `${String(body["name"])} is added; keys that list it may use its tools.`); }}
      >
        {(value) => (value["url"] ? <Trial key={JSON.stringify(value)} server={value} /> : null)}
      </ObjectSheet>
      <ApiSheet
        opened={url.new === "api"}
        onClose={() => setUrl({ new: undefined })}
        onCreate={async (body) => {
          await noun.create(body, `${String(body["name"])} is added; keys that list it may use its tools.`);
          setUrl({ new: undefined });
        }}
      />
    </>
  );
}

function State({ server }: { server: ToolServerSummary }) {
  const { tone, words } = stateOf(server.state);
  return <Status tone={tone} title={server.reason}>{words}</Status>;
}

function Detail({ name, onGone }: { name: string; onGone: () => void }) {
  const [editing, setEditing] = useState(false);
  const noun = useNoun("mcp-servers", ["mcp"]);
  const mayChange = useMay("mcp-servers:write");
  const stored = useQuery({ queryKey: keys.one("mcp-servers", name), queryFn: ({ signal }) => get<StoredServer>(`mcp-servers/${idPath(name)}`, {}, signal), enabled: mayChange, retry: false });
  const changes = mayChange && stored.data?.source === "api" ? stored.data : undefined;
  const client = useQueryClient();
  const may = useMay("mcp:write");
  const shown = useQuery({
    queryKey: keys.one("mcp", name),
    queryFn: ({ signal }) => get<ShownServer>(`mcp/servers/${idPath(name)}`, {}, signal),
    refetchInterval: LOOK_MS,
  });
  if (shown.error && !shown.data) return <Problem error={shown.error} what="The server" retry={() => void shown.refetch()} />;
  if (!shown.data) return <p className="muted late">Loading…</p>;
  const server = shown.data;
  const act = async (verb: string, body: unknown, done: string) => {
    try {
      const given = await post<{ url?: string }>(`mcp/servers/${idPath(name)}/${verb}`, body);
      if (given.url) window.open(given.url, "_blank", "noopener,noreferrer");
      toastDone(done);
    } catch (error) {
      toastFailed(name, error);
    }
    await client.invalidateQueries({ queryKey: keys.noun("mcp") });
  };
  return (
    <>
      <dl className={classes.facts}>
        <dt>State</dt><dd><State server={server} />{server.reason && <> – {server.reason}</>}</dd>
        <dt>Where</dt><dd>{server.endpoint ? <span className="mono">{server.endpoint}</span> : "run by Asbru"}</dd>
        {server.version && <><dt>Protocol</dt><dd>{server.version}, {server.era === "stateless" ? "without sessions" : "with sessions"}</dd></>}
        {server.instructions && <><dt>Instructions</dt><dd>{server.instructions}</dd></>}
      </dl>
      {may && (
        <Group gap="xs">
          <Button variant="default" leftSection={<Icon name="rotate" size={14} />} onClick={() => void act("sync", undefined, "The server is asked for its lists.")}>Read lists now</Button>
          {server.state === "unauthorized" && <Button leftSection={<Icon name="external" size={14} />} onClick={() => void act("connect", {}, "Let Asbru in, in the page that has opened.")}>Connect…</Button>}
        </Group>
      )}
      {changes && (
        <Group gap="xs" mt="xs">
          <Button variant="default" leftSection={<Icon name="edit" size={14} />} onClick={() => setEditing(true)}>Edit</Button>
          <Button variant="default" color="red" leftSection={<Icon name="trash" size={14} />} onClick={() => noun.askDelete({ id: name, name, title: `Delete the MCP server ${name}?`, words: "Its tools are offered to nobody any more; calls under way may complete.", version: changes.version, done: `${name} is deleted.`, after: onGone })}>Delete…</Button>
        </Group>
      )}
      {changes && (
        <ObjectSheet
          opened={editing}
          onClose={() => setEditing(false)}
          title={name}
          component="McpServer"
          fields={FIELDS.filter((field) => field.name !== "name")}
          more={MORE}
          object={changes}
          submit="Save"
          onChange={(body, version, before) => noun.change(name, body, version, `${name} is saved.`, before)}
          reload={() => get<StoredServer>(`mcp-servers/${idPath(name)}`)}
        />
      )}
      {noun.asking}
      <Held server={server} approve={may ? (definitions) => act("approve", { definitions }, `${count(definitions.length, "definition")} approved.`) : undefined} />
      <Grants grants={server.grants} forget={may ? (user) => act("disconnect", { user }, "The authorization is forgotten.") : undefined} />
      <InCode name={name} on={stored.data?.["code_mode"] === true} tools={server.tools} />
      <Offers server={server} />
    </>
  );
}

/** The tools as a model reads them in code mode, read when it is opened. */
function InCode({ name, on, tools }: { name: string; on: boolean; tools: number }) {
  const [open, setOpen] = useState(false);
  const stubs = useQuery({ queryKey: [...keys.one("mcp", name), "stubs"], queryFn: ({ signal }) => get<{ text: string }>(`mcp/servers/${idPath(name)}/stubs`, {}, signal), enabled: open });
  if (tools === 0) return null;
  return (
    <section className={classes.section} aria-label="Code mode">
      <h3>Code mode {on && <Status tone="ok" title="Its tools are called from scripts; four tools stand for them">on</Status>}</h3>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>The tools as a model reads them in code mode</summary>
        {stubs.error ? <Problem error={stubs.error} what="The signatures" retry={() => void stubs.refetch()} /> : <CodeBlock code={stubs.data?.text ?? ""} label="Copy the signatures" />}
      </details>
    </section>
  );
}

type Chosen = { kind: string; name: string; digest: string };

/** What has changed, beside what was approved: nobody sees or calls it until it is approved. */
function Held({ server, approve }: { server: ShownServer; approve: ((definitions: Chosen[]) => Promise<void>) | undefined }) {
  const held = heldOf(server);
  if (held.length === 0) return null;
  return (
    <section className={classes.section} aria-label="To approve">
      <Alert color="yellow" icon={<Icon name="warning" />} title={`${count(held.length, "definition")} to approve`}>
        They have changed, or look like prompt injection. Agents neither see nor call them until they are approved. Look for instructions to a model.
      </Alert>
      {held.map(({ kind, one }) => (
        <section key={`${kind} ${one.name}`} className={classes.section} aria-label={one.name}>
          <Group justify="space-between">
            <h3 className="mono">{one.name}</h3>
            {approve && <Button size="xs" onClick={() => void approve([{ kind, name: one.name, digest: one.digest }])}>Approve</Button>}
          </Group>
          <Suspicion of={one.suspicion} />
          <div className={classes.held}>
            <div><span className="muted">Approved</span><pre>{one.approved ? json(one.approved) : "nothing of this name"}</pre></div>
            <div><span className="muted">Now</span><pre>{json(one.definition)}</pre></div>
          </div>
        </section>
      ))}
    </section>
  );
}

function Grants({ grants, forget }: { grants: readonly Grant[]; forget: ((user: string) => Promise<void>) | undefined }) {
  if (grants.length === 0) return null;
  return (
    <section className={classes.section} aria-label="Authorizations">
      <h3>Authorizations</h3>
      {grants.map((grant) => (
        <Group key={grant.user} justify="space-between">
          <span>{grant.user || "shared by all callers"} <Status tone={grant.state === "authorized" ? "ok" : "warn"} title={grant.reason}>{grant.state}</Status> <span className="muted">{grant.issuer}</span></span>
          {forget && <Button size="xs" variant="default" onClick={() => void forget(grant.user)}>Forget</Button>}
        </Group>
      ))}
    </section>
  );
}

function Offers({ server }: { server: ShownServer }) {
  const [text, setText] = useState("");
  return (
    <section className={classes.section} aria-label="What it offers">
      <TextInput label="Search" value={text} onChange={(event) => setText(event.currentTarget.value)} autoComplete="off" />
      {KINDS.map(({ member, words }) => {
        const found = search(server.offers[member], text);
        return found.length === 0 ? null : (
          <section key={member} className={classes.section} aria-label={words}>
            <h3>{words}</h3>
            <ul className={classes.offered}>{found.map((one) => <Definition key={one.name} one={one} />)}</ul>
          </section>
        );
      })}
    </section>
  );
}

function Definition({ one }: { one: Offered }) {
  return (
    <li>
      <details>
        <summary><span className="mono">{one.name}</span> {one.suspicion && <Status tone="warn" title={one.suspicion}>Suspicious</Status>} <span className="muted">{descriptionOf(one)}</span></summary>
        <Suspicion of={one.suspicion} />
        <CodeBlock code={json(one.definition)} label="Copy the definition" />
      </details>
    </li>
  );
}
