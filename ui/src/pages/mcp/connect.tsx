// The line by which each agent is told of this gateway's tools.

import { Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { get } from "@/kit/api";
import { CodeBlock } from "@/kit/code-block";
import { keys } from "@/kit/query";
import { lines } from "./lines";
import classes from "./mcp.module.css";
import type { ToolGroup, ToolServerSummary } from "./types";

export function Connect() {
  const [place, setPlace] = useState<string | null>(null);
  const [key, setKey] = useState("");
  const servers = useQuery({ queryKey: keys.list("mcp"), queryFn: ({ signal }) => get<{ items: ToolServerSummary[] }>("mcp/servers", {}, signal) });
  const groups = useQuery({ queryKey: keys.list("mcp-groups"), queryFn: ({ signal }) => get<{ items: ToolGroup[] }>("mcp-groups", { limit: 200 }, signal) });
  const choices = [
    { group: "Groups", items: (groups.data?.items ?? []).map((one) => one.name) },
    { group: "Servers", items: (servers.data?.items ?? []).map((one) => one.name) },
  ];
  return (
    <div className={classes.connect}>
      <p>An agent sees the tools that its <Link {...({ to: "/keys" } as object)} to={"/keys" as string}>virtual key</Link> lists. <code>asbru mcp connect</code> prints the same lines.</p>
      <Select label="Tools" placeholder="All that the key may use" data={choices} value={place} onChange={setPlace} clearable searchable />
      <TextInput label="Virtual key" description="Left empty, the lines read it from ASBRU_API_KEY." value={key} onChange={(event) => setKey(event.currentTarget.value)} autoComplete="off" spellCheck={false} />
      {lines(location.origin, place ?? "", key.trim()).map((one) => (
        <section key={one.agent} className={classes.section} aria-label={one.agent}>
          <h3>{one.agent}</h3>
          {one.where && <p className="muted">In <code>{one.where}</code>:</p>}
          <CodeBlock code={one.line} label={`Copy for ${one.agent}`} />
        </section>
      ))}
    </div>
  );
}
