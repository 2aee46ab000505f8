// The tools of all servers: find one, see its schema and who may use it, and try it.

import { Alert, Button, Drawer, Textarea, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { get, idPath, wordsOf } from "@/kit/api";
import { CodeBlock } from "@/kit/code-block";
import { type Column, DataTable } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { count, duration } from "@/kit/format";
import { Problem } from "@/kit/problem";
import { keys } from "@/kit/query";
import { useMay } from "@/kit/session";
import { Status } from "@/kit/status";
import type { Page } from "@/kit/types";
import { useUrlState } from "@/kit/url-state";
import { exampleOf } from "./example";
import classes from "./mcp.module.css";
import { Suspicion } from "./suspicion";
import { callTool, type Tried } from "./try";
import type { ListedTool, Permitted, ShownServer } from "./types";
import { descriptionOf, json } from "./words";

export function Tools() {
  const [url, setUrl] = useUrlState<{ search: string; tool: string | undefined }>({ search: "", tool: undefined });
  const mayAdd = useMay("mcp-servers:write");
  const list = useQuery({
    queryKey: [...keys.list("mcp"), "tools", url.search],
    queryFn: ({ signal }) => get<{ items: ListedTool[]; more: number }>("mcp/tools", { search: url.search }, signal),
    placeholderData: (before) => before,
  });
  const columns = useMemo<Column<ListedTool>[]>(() => [
    { id: "name", header: "Tool", width: 220, grow: 1, rank: 1, cell: (row) => <span className="mono" title={row.name}>{row.name}</span> },
    { id: "server", header: "Server", width: 130, rank: 2, cell: (row) => row.server },
    { id: "description", header: "Description", width: 300, grow: 3, rank: 3, cell: (row) => <span title={row.description}>{row.description || <span className="muted">–</span>}</span> },
    { id: "state", header: "State", width: 120, rank: 2, cell: (row) => (row.held ? <Status tone="warn" title="Nobody sees it until it is approved">To approve</Status> : row.suspicion ? <Status tone="warn" title={`Looks like prompt injection: ${row.suspicion}`}>Suspicious</Status> : <Status tone="ok">Offered</Status>) },
  ], []);
  const [server, ...rest] = (url.tool ?? "").split("/");
  return (
    <>
      <TextInput aria-label="Search tools" placeholder="Search by name or description" value={url.search} onChange={(event) => setUrl({ search: event.currentTarget.value })} autoComplete="off" mb="sm" />
      {list.error && !list.data ? <Problem error={list.error} what="The tools" retry={() => void list.refetch()} /> : (
        <DataTable
          name="Tools"
          columns={columns}
          rows={list.data?.items ?? []}
          rowKey={(row) => `${row.server}/${row.name}`}
          onOpen={(row) => setUrl({ tool: `${row.server}/${row.name}` }, { push: true })}
          chosen={url.tool}
          loading={list.isFetching && !list.data}
          empty={url.search
            ? <EmptyState sentence={`No tool has “${url.search}” in its name or description.`} action={<Button variant="default" onClick={() => setUrl({ search: "" })}>Show all tools</Button>} />
            : <EmptyState sentence="No tool is known yet. Add a server, and its tools appear here." action={mayAdd && <Button component={Link} {...({ to: "/mcp", search: { new: "1" } } as object)}>Add a server</Button>} />}
        />
      )}
      {(list.data?.more ?? 0) > 0 && <p className="muted">{count(list.data!.more, "further tool")}; search to see them.</p>}
      <Drawer opened={url.tool !== undefined} onClose={() => setUrl({ tool: undefined })} title={url.tool?.replace("/", "__") ?? ""} size={720} styles={{ title: { fontWeight: 600, fontSize: "1rem" } }} closeButtonProps={{ "aria-label": "Close" }}>
        {url.tool !== undefined && <Tool key={url.tool} server={server!} name={rest.join("/")} />}
      </Drawer>
    </>
  );
}

function Tool({ server, name }: { server: string; name: string }) {
  const may = useMay("mcp:write");
  const shown = useQuery({ queryKey: keys.one("mcp", server), queryFn: ({ signal }) => get<ShownServer>(`mcp/servers/${idPath(server)}`, {}, signal) });
  if (shown.error && !shown.data) return <Problem error={shown.error} what="The tool" retry={() => void shown.refetch()} />;
  if (!shown.data) return <p className="muted late">Loading…</p>;
  const tool = shown.data.offers.tools.find((one) => one.name === name);
  if (!tool) return <Alert title="This tool is no more">The server {server} does not offer {name} now.</Alert>;
  return (
    <>
      <p>{descriptionOf(tool)}</p>
      {tool.held && <Alert color="yellow" title="It waits for approval">Nobody sees or calls it until it is approved on the page of its server.</Alert>}
      <Suspicion of={tool.suspicion} />
      <WhoMay server={server} name={name} />
      {may && !tool.held && <Try server={server} name={name} begin={json(exampleOf(tool.definition["inputSchema"]))} />}
      <section className={classes.section} aria-label="Definition"><h3>Definition</h3><CodeBlock code={json(tool.definition)} label="Copy the definition" /></section>
    </>
  );
}

function WhoMay({ server, name }: { server: string; name: string }) {
  const access = useInfiniteQuery({
    queryKey: [...keys.one("mcp", server), "access", name],
    queryFn: ({ pageParam, signal }) => get<Page<Permitted>>("mcp/access", { server, tool: name, after: pageParam }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const items = access.data?.pages.flatMap((page) => page.items);
  return (
    <section className={classes.section} aria-label="Who may use it">
      <h3>Who may use it</h3>
      {access.error ? <Problem error={access.error} what="Who may use it" retry={() => void access.refetch()} /> : items?.length === 0 && !access.hasNextPage ? (
        <p className="muted">No virtual key. List it under “mcp” of a key, team or customer, or in a group that they list.</p>
      ) : (
        <ul className={classes.offered}>
          {items?.map((one) => (
            <li key={`${one.key} ${one.owner}`}>
              <Link {...({ to: "/keys", search: { key: one.key } } as object)} to={"/keys" as string}>{one.key}</Link>{" "}
              <span className="muted">by <span className="mono">{one.pattern}</span>{one.owner.startsWith("key/") ? "" : ` of the ${one.owner.replace("/", " ")}`}</span>
            </li>
          ))}
        </ul>
      )}
      {access.hasNextPage && <Button variant="default" size="xs" loading={access.isFetchingNextPage} onClick={() => void access.fetchNextPage()}>{items?.length ? "More keys" : "None so far; look further"}</Button>}
    </section>
  );
}

/** A call by the public API, so that limits, guardrails and records apply to it as to every call. */
function Try({ server, name, begin }: { server: string; name: string; begin: string }) {
  const [text, setText] = useState(begin);
  const [busy, setBusy] = useState(false);
  const [tried, setTried] = useState<Tried | null>(null);
  const [flaw, setFlaw] = useState<string | null>(null);
  const run = async () => {
    let given: unknown;
    try {
      given = JSON.parse(text);
    } catch (error) {
      setFlaw(wordsOf(error));
      return;
    }
    setFlaw(null);
    setBusy(true);
    try {
      setTried(await callTool(`${server}__${name}`, given));
    } catch (error) {
      setFlaw(wordsOf(error));
    }
    setBusy(false);
  };
  return (
    <section className={classes.section} aria-label="Try it">
      <h3>Try it</h3>
      <Textarea label="Arguments" description="JSON, as the schema below wants it." value={text} onChange={(event) => setText(event.currentTarget.value)} autosize minRows={3} maxRows={16} error={flaw} classNames={{ input: "mono" }} spellCheck={false} />
      <Button mt="xs" loading={busy} onClick={() => void run()}>Call the tool</Button>
      {tried && (
        <section className={classes.section} aria-label="Result">
          <p><Status tone={tried.ok ? "ok" : "bad"}>{tried.ok ? "Answered" : "Failed"}</Status> <span className="muted">{duration(tried.took_us)}</span> {tried.id && <Link {...({ to: "/records", search: { id: tried.id } } as object)} to={"/records" as string}>Record</Link>}</p>
          <CodeBlock code={tried.text} label="Copy the result" />
        </section>
      )}
    </section>
  );
}
