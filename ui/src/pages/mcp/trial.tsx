// A server tried before it is added: how it answers at its URL now, and the tools that it would bring. Nothing is kept.

import { Button, Group } from "@mantine/core";
import { useState } from "react";
import { post } from "@/kit/api";
import { count } from "@/kit/format";
import { Problem } from "@/kit/problem";
import { Status } from "@/kit/status";
import classes from "./mcp.module.css";
import { Suspicion } from "./suspicion";
import type { TriedServer } from "./types";
import { stateOf } from "./words";

const SHOWN = 20;

/** To be given another key for each change of the server, so that a result is that of what is in the form. */
export function Trial({ server }: { server: Record<string, unknown> }) {
  const [found, setFound] = useState<TriedServer>();
  const [failed, setFailed] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    setFailed(undefined);
    try {
      setFound(await post<TriedServer>("mcp/test", server));
    } catch (error) {
      setFound(undefined);
      setFailed(error);
    }
    setBusy(false);
  };
  return (
    <section className={classes.section} aria-label="Test">
      <Group><Button variant="default" loading={busy} onClick={() => void run()}>Test the server</Button></Group>
      {failed !== undefined && <Problem error={failed} what="The server" />}
      {found && <Found found={found} />}
    </section>
  );
}

function Found({ found }: { found: TriedServer }) {
  const { tone, words } = stateOf(found.state);
  const suspicious = found.tools.filter((tool) => tool.suspicion);
  return (
    <>
      <p><Status tone={tone}>{words}</Status> {found.state === "ready" ? `${count(found.tools_count, "tool")}, MCP ${found.version}` : found.reason}</p>
      {suspicious.map((tool) => <div key={tool.name}><span className="mono">{tool.name}</span><Suspicion of={tool.suspicion} /></div>)}
      {found.tools.length > 0 && <ul className={classes.offered}>{found.tools.slice(0, SHOWN).map((tool) => <li key={tool.name}><span className="mono">{tool.name}</span> <span className="muted">{tool.description}</span></li>)}</ul>}
      {found.tools_count > SHOWN && <p className="muted">and {found.tools_count - SHOWN} more</p>}
    </>
  );
}
