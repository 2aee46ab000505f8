// Who may use this UI and the management API: users, tokens and the roles that say what each may do.

import { Button, Tabs } from "@mantine/core";
import { Icon } from "@/kit/icons";
import { PageHeader } from "@/kit/page-header";
import { useMay } from "@/kit/session";
import { useUrlState } from "@/kit/url-state";
import { RolesTab } from "./roles";
import { TokensTab } from "./tokens";
import { UsersTab } from "./users";

const TABS = { users: "Users", tokens: "API tokens", roles: "Roles" };
const ONE: Record<string, string> = { users: "user", tokens: "token", roles: "role" };

export default function UsersView() {
  const [url, setUrl] = useUrlState<{ tab: string; new: string | undefined }>({ tab: "users", new: undefined });
  const may: Record<string, boolean> = { users: useMay("users:read"), tokens: useMay("tokens:read"), roles: useMay("roles:read") };
  const mayMake: Record<string, boolean> = { users: useMay("users:write"), tokens: useMay("tokens:write"), roles: useMay("roles:write") };
  const tab = url.tab in TABS && may[url.tab] ? url.tab : "users";
  return (
    <>
      <PageHeader title="Users and tokens" words="Who may log in here, which programs may use the management API, and what each may see and change.">
        {mayMake[tab] && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setUrl({ new: "1" }, { push: true })}>New {ONE[tab]}</Button>}
      </PageHeader>
      <Tabs value={tab} onChange={(next) => setUrl({ tab: next ?? "users" }, { push: true })} keepMounted={false}>
        <Tabs.List mb="md">
          {Object.entries(TABS).filter(([name]) => may[name]).map(([name, words]) => <Tabs.Tab key={name} value={name}>{words}</Tabs.Tab>)}
        </Tabs.List>
        <Tabs.Panel value="users"><UsersTab /></Tabs.Panel>
        <Tabs.Panel value="tokens"><TokensTab /></Tabs.Panel>
        <Tabs.Panel value="roles"><RolesTab /></Tabs.Panel>
      </Tabs>
    </>
  );
}
