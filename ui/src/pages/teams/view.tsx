// Teams and customers: who owns keys, and how far each budget and limit is used; made, edited and deleted here.

import { ActionIcon, Button, Menu, Tabs, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { get, idPath } from "@/kit/api";
import { EmptyState } from "@/kit/empty-state";
import { Icon } from "@/kit/icons";
import { BUDGETS, RATE_LIMITS } from "@/kit/limit-fields";
import { useNoun } from "@/kit/noun";
import { ObjectSheet } from "@/kit/object-sheet";
import { OwnerList } from "@/kit/owner-row";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import type { Field } from "@/kit/schema-form";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { useStandings } from "@/kit/standing";
import { useUrlState } from "@/kit/url-state";
import { dependents } from "./dependents";
import { customerNamesQuery, type Noun, type Owner, ownerQuery, ownersQuery } from "./queries";
import { Branch } from "./tree";

type Kind = "team" | "customer";
const NOUNS: Record<Kind, Noun> = { team: "teams", customer: "customers" };
/** Nouns whose answers depend on owners. */
const OWNED = ["teams", "customers", "standing"];
const nameOf = (one: { name: string }) => one.name;

export default function TeamsView() {
  const [url, setUrl] = useUrlState<{ tab: string; search: string; open: string; team: string | undefined; customer: string | undefined; new: string | undefined }>({ tab: "team", search: "", open: "", team: undefined, customer: undefined, new: undefined });
  const kind: Kind = url.tab === "customer" ? "customer" : "team";
  const noun = NOUNS[kind];
  const acts: Record<Kind, ReturnType<typeof useNoun>> = { team: useNoun("teams", OWNED), customer: useNoun("customers", OWNED) };
  const searchBox = useRef<HTMLInputElement>(null);
  const may = { team: useMay("teams:write"), customer: useMay("customers:write") };
  const mayCustomers = useMay("customers:read");
  const list = useInfiniteQuery(ownersQuery(noun, url.search));
  const pages = useMemo(() => list.data?.pages.map((page) => page.items) ?? [], [list.data]);
  const standings = useStandings(kind, pages, nameOf);
  const rows = pages.flat();
  const opened = useMemo(() => new Set(url.open.split(" ").filter(Boolean)), [url.open]);

  // What the sheet is about: of a tree of customers it may be a team.
  const edited: Kind = url.customer !== undefined ? "customer" : url.team !== undefined ? "team" : kind;
  const editedName = url.customer ?? url.team;
  const chosen = useQuery({ ...ownerQuery(NOUNS[edited], editedName ?? ""), enabled: editedName !== undefined, placeholderData: rows.find((row) => edited === kind && row.id === editedName) });
  const editing = editedName !== undefined || url.new !== undefined;
  const customers = useQuery({ ...customerNamesQuery, enabled: editing && edited === "team" && mayCustomers });

  useShortcuts(useMemo(() => [
    { keys: "/", words: "Search by name", run: () => searchBox.current?.focus() },
    ...(may[kind] ? [{ keys: "c", words: `Create a ${kind}`, run: () => setUrl({ new: "1" }, { push: true }) }] : []),
  ], [may[kind], kind, setUrl]));

  const toggle = (id: string) => {
    const next = new Set(opened);
    if (!next.delete(id)) next.add(id);
    setUrl({ open: [...next].join(" ") });
  };

  const askDelete = async (of: Kind, owner: Owner) => {
    const named = await dependents(of, owner.name);
    if (named.length > 0) {
      acts[of].ask({
        title: `${owner.name} cannot be deleted yet`,
        words: <>These belong to it: {named.join(", ")}. Move them to another {of}, or delete them, first.</>,
      });
      return;
    }
    acts[of].askDelete({
      id: owner.name,
      name: owner.name,
      words: `Nothing belongs to this ${of}. Its budgets and limits go; the records of its calls stay. This cannot be undone.`,
      version: owner.version,
      after: () => setUrl({ team: undefined, customer: undefined }),
    });
  };

  const actions = (of: Kind, owner: Owner) => (
    <Menu>
      <Menu.Target><ActionIcon aria-label={`Actions for ${owner.name}`}><Icon name="more" /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Icon name="records" />} component={Link} {...({ to: "/records", search: { [of]: owner.name } } as object)}>Its records</Menu.Item>
        <Menu.Item leftSection={<Icon name="overview" />} component={Link} {...({ to: "/overview", search: { [of]: owner.name } } as object)}>Its spend</Menu.Item>
        {may[of] && owner.source === "api" && (
          <>
            <Menu.Item leftSection={<Icon name="edit" />} onClick={() => setUrl({ [of]: owner.name }, { push: true })}>Edit</Menu.Item>
            <Menu.Divider />
            <Menu.Item color="red" leftSection={<Icon name="trash" />} onClick={() => void askDelete(of, owner)}>Delete</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );

  const fields: Field[] = [
    { name: "name", label: "Name", readOnly: url.new === undefined, help: url.new === undefined ? undefined : "Its name in records and metrics. It cannot be changed.", placeholder: edited === "team" ? "search" : "acme" },
    ...(edited === "team" ? [{ name: "customer", label: "Customer", options: customers.data ?? [], placeholder: "No customer", help: "Its budgets and limits hold for the team as well." }] : []),
    BUDGETS,
    RATE_LIMITS,
  ];
  const newButton = may[kind] && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setUrl({ new: "1" }, { push: true })}>New {kind}</Button>;
  const readOnly = !may[edited] ? `Your role may read ${NOUNS[edited]}, but not change them.` : chosen.data?.source === "file" ? `This ${edited} is declared in the configuration file; change it there.` : null;
  const empty = url.search ? (
    <EmptyState sentence={`No ${kind} has “${url.search}” in its name.`} action={<Button variant="default" onClick={() => setUrl({ search: "" })}>Show all {noun}</Button>} />
  ) : kind === "team" ? (
    <EmptyState sentence="There is no team yet. A team owns keys, and its budgets and limits hold for all of them together." action={newButton} command="asbru teams create name=search" />
  ) : (
    <EmptyState sentence="There is no customer yet. A customer owns teams and keys, and its budgets and limits hold for all of them together." action={newButton} command="asbru customers create name=acme" />
  );

  return (
    <>
      <PageHeader title="Teams and customers" words="Who owns virtual keys. A call has to fit the limits of its key, its team and its customer.">{newButton}</PageHeader>
      {mayCustomers && (
        <Tabs value={kind} onChange={(tab) => setUrl({ tab: tab ?? "team", search: "", open: "" }, { push: true })}>
          <Tabs.List>
            <Tabs.Tab value="team">Teams</Tabs.Tab>
            <Tabs.Tab value="customer">Customers</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value={kind}>{null}</Tabs.Panel>
          <Tabs.Panel value={kind === "team" ? "customer" : "team"}>{null}</Tabs.Panel>
        </Tabs>
      )}
      <TextInput size="xs" ref={searchBox} aria-label={`Search ${noun} by name`} placeholder="Search by name" leftSection={<Icon name="search" size={14} />} defaultValue={url.search} key={`${kind}-${url.search === ""}`} onChange={(event) => setUrl({ search: event.currentTarget.value })} maw={360} my="sm" />
      {list.error && !list.data ? <Problem error={list.error} what={`The ${noun}`} retry={() => void list.refetch()} /> : list.data && rows.length === 0 ? empty : (
        <OwnerList label={kind === "team" ? "Teams" : "Customers"} loading={!list.data}>
          {rows.map((owner) => <Branch key={owner.id} kind={kind} owner={owner} standings={standings} opened={opened} onToggle={toggle} onEdit={(of, name) => setUrl({ [of]: name }, { push: true })} actions={actions} />)}
        </OwnerList>
      )}
      {list.hasNextPage && <Button mt="sm" variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>Show more</Button>}
      <ObjectSheet
        opened={editing && (url.new !== undefined || chosen.data !== undefined)}
        onClose={() => setUrl({ team: undefined, customer: undefined, new: undefined })}
        title={url.new !== undefined ? `New ${kind}` : chosen.data?.name}
        component={edited === "team" ? "Team" : "Customer"}
        fields={fields}
        object={url.new === undefined ? chosen.data : undefined}
        begin={{ name: "" }}
        readOnly={readOnly}
        submit={url.new !== undefined ? `Create the ${kind}` : "Save"}
        onCreate={async (body) => { await acts[kind].create(body, `${String(body.name)} is created.`); }}
        onChange={(body, version, before) => acts[edited].change(editedName!, body, version, `${editedName} is saved.`, before)}
        reload={() => get<Owner>(`${NOUNS[edited]}/${idPath(editedName!)}`)}
      />
      {acts.team.asking}
      {acts.customer.asking}
    </>
  );
}
