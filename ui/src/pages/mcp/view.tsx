// MCP servers, the tools of all of them, groups of tools, and how agents are connected.

import { Button, Tabs } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { PageHeader } from "@/kit/page-header";
import { useUrlState } from "@/kit/url-state";
import { Connect } from "./connect";
import { Groups } from "./groups";
import { Servers } from "./servers";
import { Tools } from "./tools";

const TABS = { servers: "Servers", tools: "Tools", groups: "Groups", connect: "Connect an agent" };

export default function McpView() {
  const [url, setUrl] = useUrlState({ tab: "servers" as string });
  const tab = url.tab in TABS ? url.tab : "servers";
  return (
    <>
      <PageHeader title="MCP servers" words="Servers whose tools agents reach through Asbru.">
        <Button variant="default" component={Link} {...({ to: "/records", search: { surface: "mcp.tool" } } as object)}>Calls of tools</Button>
      </PageHeader>
      <Tabs value={tab} onChange={(next) => setUrl({ tab: next ?? "servers" }, { push: true })} keepMounted={false}>
        <Tabs.List mb="md">{Object.entries(TABS).map(([one, words]) => <Tabs.Tab key={one} value={one}>{words}</Tabs.Tab>)}</Tabs.List>
        <Tabs.Panel value="servers"><Servers /></Tabs.Panel>
        <Tabs.Panel value="tools"><Tools /></Tabs.Panel>
        <Tabs.Panel value="groups"><Groups /></Tabs.Panel>
        <Tabs.Panel value="connect"><Connect /></Tabs.Panel>
      </Tabs>
    </>
  );
}
