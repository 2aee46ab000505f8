// Limits of providers, models and provider keys, which hold for all callers together: how far each is used; made, edited
// and deleted here. Limits of keys, teams and customers are on their own pages.

import { ActionIcon, Autocomplete, Button, Menu, Tabs, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { get, idPath } from "@/kit/api";
import { EmptyState } from "@/kit/empty-state";
import { count } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { BUDGETS, RATE_LIMITS } from "@/kit/limit-fields";
import { useNoun } from "@/kit/noun";
import { ObjectSheet } from "@/kit/object-sheet";
import { OwnerList, OwnerName, OwnerRow } from "@/kit/owner-row";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import type { Field } from "@/kit/schema-form";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { standingsOf, useStandings } from "@/kit/standing";
import { useUrlState } from "@/kit/url-state";
import { limitQuery, limitsQuery, namesQuery, type Scope, type ScopeLimits } from "./queries";

interface ScopeWords {
  tab: string;
  one: string;
  help: string;
  placeholder: string;
  example: string;
}

const SCOPES: Record<Scope, ScopeWords> = {
  provider: { tab: "Providers", one: "provider", help: "The name of a provider.", placeholder: "openai", example: "asbru limits create scope=provider name=openai 'budgets=[{\"amount_usd\": 500, \"window\": \"1M\"}]'" },
  model: { tab: "Models", one: "model", help: "provider/model. With a *, one limit for all models that fit.", placeholder: "openai/gpt-4o*", example: "asbru limits create scope=model name=openai/gpt-4o 'rate_limits=[{\"metric\": \"requests\", \"amount\": 60, \"window\": \"1m\"}]'" },
  provider_key: { tab: "Provider keys", one: "provider key", help: "provider/name of the key.", placeholder: "openai/main", example: "asbru limits create scope=provider_key name=openai/main 'rate_limits=[{\"metric\": \"tokens\", \"amount\": 100000, \"window\": \"1m\"}]'" },
};
const nameOf = (one: ScopeLimits) => one.name;
const NONE: ScopeLimits[] = [];

export default function LimitsView() {
  const [url, setUrl] = useUrlState<{ scope: string; search: string; limit: string | undefined; new: string | undefined }>({ scope: "provider", search: "", limit: undefined, new: undefined });
  const scope: Scope = url.scope in SCOPES ? (url.scope as Scope) : "provider";
  const words = SCOPES[scope];
  const noun = useNoun("limits", ["standing"]);
  const mayWrite = useMay("limits:write");
  const list = useQuery(limitsQuery);
  const all = list.data?.items ?? NONE;
  const rows = useMemo(() => all.filter((row) => row.scope === scope && row.name.includes(url.search)), [all, scope, url.search]);
  const standings = useStandings(scope, useMemo(() => chunks(rows, 100), [rows]), nameOf);
  const chosen = useQuery({ ...limitQuery(url.limit ?? ""), enabled: url.limit !== undefined, placeholderData: all.find((row) => row.id === url.limit) });
  const names = useQuery({ ...namesQuery(scope), enabled: url.new !== undefined });

  useShortcuts(useMemo(() => (mayWrite ? [{ keys: "c", words: `Create limits of a ${words.one}`, run: () => setUrl({ new: "1" }, { push: true }) }] : []), [mayWrite, words, setUrl]));

  const askDelete = (row: ScopeLimits) =>
    noun.askDelete({
      id: row.id,
      name: row.name,
      title: `Delete the limits of ${row.name}?`,
      words: `From now on calls to this ${words.one} are limited by keys, teams and customers only. What was counted is forgotten. This cannot be undone.`,
      version: row.version,
      done: `${row.name} has no limits of its own any more.`,
      after: () => setUrl({ limit: undefined }),
    });

  const name: Field = {
    name: "name",
    render: (value, onChange, error) =>
      url.new === undefined ? (
        <TextInput label={title(words.one)} readOnly variant="filled" value={String(value ?? "")} />
      ) : (
        <Autocomplete label={title(words.one)} withAsterisk description={words.help} placeholder={words.placeholder} data={names.data ?? []} limit={30} value={String(value ?? "")} onChange={onChange} error={error} />
      ),
  };
  const newButton = mayWrite && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setUrl({ new: "1" }, { push: true })}>Limit a {words.one}</Button>;
  const readOnly = !mayWrite ? "Your role may read limits, but not change them." : chosen.data?.source === "file" ? "These limits are declared in the configuration file; change them there." : null;
  const actions = (row: ScopeLimits) => (
    <Menu>
      <Menu.Target><ActionIcon aria-label={`Actions for ${row.name}`}><Icon name="more" /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Icon name="records" />} component={Link} {...({ to: "/records", search: recordsOf(row) } as object)}>Its records</Menu.Item>
        {mayWrite && row.source === "api" && (
          <>
            <Menu.Item leftSection={<Icon name="edit" />} onClick={() => setUrl({ limit: row.id }, { push: true })}>Edit</Menu.Item>
            <Menu.Divider />
            <Menu.Item color="red" leftSection={<Icon name="trash" />} onClick={() => askDelete(row)}>Delete</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );

  return (
    <>
      <PageHeader title="Limits" words="What a provider, a model or a provider's key may be used for by all callers together.">{newButton}</PageHeader>
      <Tabs value={scope} onChange={(next) => setUrl({ scope: next ?? "provider", search: "" }, { push: true })}>
        <Tabs.List>
          {Object.entries(SCOPES).map(([one, { tab }]) => {
            const there = all.filter((row) => row.scope === one).length;
            return <Tabs.Tab key={one} value={one} rightSection={there > 0 ? <span className="muted" aria-hidden="true">{there}</span> : undefined}>{tab}</Tabs.Tab>;
          })}
        </Tabs.List>
        {Object.keys(SCOPES).map((one) => <Tabs.Panel key={one} value={one}>{null}</Tabs.Panel>)}
      </Tabs>
      <TextInput size="xs" aria-label="Search limits by name" placeholder="Search by name" leftSection={<Icon name="search" size={14} />} defaultValue={url.search} key={`${scope}-${url.search === ""}`} onChange={(event) => setUrl({ search: event.currentTarget.value })} maw={360} my="sm" />
      {list.error && !list.data ? <Problem error={list.error} what="The limits" retry={() => void list.refetch()} /> : list.data && rows.length === 0 ? (
        url.search ? <EmptyState sentence={`No limited ${words.one} has “${url.search}” in its name.`} action={<Button variant="default" onClick={() => setUrl({ search: "" })}>Show all</Button>} /> : <EmptyState sentence={`No ${words.one} has limits of its own. They keep all callers together within what you have bought or what it can bear.`} action={newButton} command={words.example} />
      ) : (
        <OwnerList label={words.tab} loading={!list.data}>
          {rows.map((row) => (
            <OwnerRow key={row.id} name={row.name} title={<OwnerName onClick={() => setUrl({ limit: row.id }, { push: true })}>{row.name}</OwnerName>} sub={row.source === "file" ? "in the configuration file" : row.name.includes("*") ? "all of them together" : undefined} limited={row} standings={standingsOf(standings, scope, row.name)} actions={actions(row)} />
          ))}
        </OwnerList>
      )}
      {list.data?.next && <p className="muted">The first {count(all.length, "limit")} are shown.</p>}
      <ObjectSheet
        opened={url.new !== undefined || chosen.data !== undefined}
        onClose={() => setUrl({ limit: undefined, new: undefined })}
        title={url.new !== undefined ? `Limit a ${words.one}` : chosen.data?.name}
        component="ScopeLimits"
        fields={[name, BUDGETS, RATE_LIMITS]}
        object={url.new === undefined ? chosen.data : undefined}
        begin={{ scope, name: "" }}
        readOnly={readOnly}
        submit={url.new !== undefined ? "Set the limits" : "Save"}
        onCreate={async (body) => { await noun.create(body, `${String(body.name)} is limited.`); }}
        onChange={(body, version, before) => noun.change(url.limit!, body, version, `The limits of ${chosen.data?.name ?? url.limit} are saved.`, before)}
        reload={() => get<ScopeLimits>(`limits/${idPath(url.limit!)}`)}
      />
      {noun.asking}
    </>
  );
}

function title(words: string): string {
  return words[0]!.toUpperCase() + words.slice(1);
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));
}

/** Filters of the records of what is limited; a glob can only be told by its provider. */
function recordsOf({ scope, name }: ScopeLimits): Record<string, string> {
  const [provider, ...rest] = name.split("/");
  const inner = rest.join("/");
  if (scope === "provider" || inner.includes("*")) return { provider: provider! };
  return scope === "model" ? { provider: provider!, model_served: inner } : { provider: provider!, key_name: inner };
}
