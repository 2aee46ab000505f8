// Fallbacks: where a call goes when its target fails; made, reordered and deleted here.

import { ActionIcon, Autocomplete, Button, Menu, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { get, idPath } from "@/kit/api";
import { EmptyState } from "@/kit/empty-state";
import { Icon } from "@/kit/icons";
import { useNoun } from "@/kit/noun";
import { ObjectSheet } from "@/kit/object-sheet";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import type { Field } from "@/kit/schema-form";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { useUrlState } from "@/kit/url-state";
import classes from "./fallbacks.module.css";
import { type Fallback, fallbackQuery, fallbacksQuery, modelsQuery } from "./queries";
import { Targets } from "./targets";

const TARGET = /^[^/\s]+\/\S+$/;

export default function FallbacksView() {
  const [url, setUrl] = useUrlState<{ search: string; from: string | undefined; new: string | undefined }>({ search: "", from: undefined, new: undefined });
  const noun = useNoun("fallbacks");
  const searchBox = useRef<HTMLInputElement>(null);
  const mayWrite = useMay("fallbacks:write");
  const list = useInfiniteQuery(fallbacksQuery(url.search));
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const chosen = useQuery({ ...fallbackQuery(url.from ?? ""), enabled: url.from !== undefined, placeholderData: rows.find((row) => row.id === url.from) });
  const editing = url.from !== undefined || url.new !== undefined;
  const models = useQuery({ ...modelsQuery, enabled: editing });
  const offered = models.data ?? [];

  useShortcuts(useMemo(() => [
    { keys: "/", words: "Search fallbacks", run: () => searchBox.current?.focus() },
    ...(mayWrite ? [{ keys: "c", words: "Create a fallback", run: () => setUrl({ new: "1" }, { push: true }) }] : []),
  ], [mayWrite, setUrl]));

  const askDelete = (row: Fallback) =>
    noun.askDelete({
      id: row.id,
      name: row.from,
      title: `Delete the fallback of ${row.from}?`,
      words: `A call to ${row.from} that fails is then answered with the error, unless a routing rule names another target.`,
      version: row.version,
      done: `${row.from} has no fallback any more.`,
      undo: { from: row.from, to: row.to },
      after: () => setUrl({ from: undefined }),
    });

  const fields: Field[] = [
    {
      name: "from",
      render: (value, onChange, error) =>
        url.new === undefined ? (
          <TextInput label="When this fails" readOnly variant="filled" value={String(value ?? "")} />
        ) : (
          <Autocomplete label="When this fails" withAsterisk description="provider/model, or provider/* for all that have no fallback of their own." placeholder="openai/gpt-4o" data={offered} limit={30} value={String(value ?? "")} onChange={onChange} error={error && "Expected provider/model"} />
        ),
    },
    {
      name: "to",
      render: (value, onChange, error) => {
        const targets = (value as string[] | undefined) ?? [];
        const strange = targets.find((target) => !TARGET.test(target));
        return <Targets value={targets} onChange={onChange} offered={offered} error={strange ? `${strange}: expected provider/model` : error} />;
      },
    },
  ];
  const newButton = mayWrite && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setUrl({ new: "1" }, { push: true })}>New fallback</Button>;
  const readOnly = !mayWrite ? "Your role may read fallbacks, but not change them." : chosen.data?.source === "file" ? "This fallback is declared in the configuration file; change it there." : null;

  return (
    <>
      <PageHeader title="Fallbacks" words="Where a call goes when its model does not answer. Callers get the reply as if nothing had happened.">{newButton}</PageHeader>
      <TextInput size="xs" ref={searchBox} aria-label="Search fallbacks by model" placeholder="Search by model" leftSection={<Icon name="search" size={14} />} defaultValue={url.search} key={url.search === "" ? "empty" : "search"} onChange={(event) => setUrl({ search: event.currentTarget.value })} maw={360} mb="sm" />
      {list.error && !list.data ? <Problem error={list.error} what="The fallbacks" retry={() => void list.refetch()} /> : list.data && rows.length === 0 ? (
        url.search ? <EmptyState sentence={`No fallback is about “${url.search}”.`} action={<Button variant="default" onClick={() => setUrl({ search: "" })}>Show all fallbacks</Button>} /> : <EmptyState sentence="There is no fallback yet. With one, a call whose provider is down or has no room is answered by another." action={newButton} command={`asbru fallbacks create from=openai/gpt-4o 'to=["anthropic/claude-sonnet-4-5"]'`} />
      ) : (
        <ul className={classes.list} aria-label="Fallbacks">
          {rows.map((row) => (
            <li key={row.id}>
              <div style={{ minWidth: 0 }}>
                <button type="button" className={classes.from} onClick={() => setUrl({ from: row.id }, { push: true })}>{row.from}</button>
                {row.source === "file" && <span className={classes.sub}>in the configuration file</span>}
              </div>
              <ol className={classes.chain} aria-label={`Fallback of ${row.from}`}>
                {row.to.map((target, index) => (
                  <li key={`${target}-${index}`}><span aria-hidden="true"><Icon name="right" size={13} /></span><span className={`mono ${classes.chip}`} title={target}>{target}</span></li>
                ))}
              </ol>
              <Menu>
                <Menu.Target><ActionIcon aria-label={`Actions for ${row.from}`}><Icon name="more" /></ActionIcon></Menu.Target>
                <Menu.Dropdown>
                  <Menu.Item leftSection={<Icon name="records" />} component={Link} {...({ to: "/records", search: { model_asked: row.from } } as object)}>Calls to it</Menu.Item>
                  {mayWrite && row.source === "api" && (
                    <>
                      <Menu.Item leftSection={<Icon name="edit" />} onClick={() => setUrl({ from: row.id }, { push: true })}>Edit</Menu.Item>
                      <Menu.Divider />
                      <Menu.Item color="red" leftSection={<Icon name="trash" />} onClick={() => askDelete(row)}>Delete</Menu.Item>
                    </>
                  )}
                </Menu.Dropdown>
              </Menu>
            </li>
          ))}
          {!list.data && <li className="late">Loading…</li>}
        </ul>
      )}
      {list.hasNextPage && <Button mt="sm" variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>Show more</Button>}
      <ObjectSheet
        opened={editing && (url.new !== undefined || chosen.data !== undefined)}
        onClose={() => setUrl({ from: undefined, new: undefined })}
        title={url.new !== undefined ? "New fallback" : `Fallback of ${chosen.data?.from}`}
        component="Fallback"
        fields={fields}
        object={url.new === undefined ? chosen.data : undefined}
        begin={{ from: "", to: [] }}
        readOnly={readOnly}
        submit={url.new !== undefined ? "Create the fallback" : "Save"}
        onCreate={async (body) => { await noun.create(body, `${String(body.from)} has a fallback.`); }}
        onChange={(body, version, before) => noun.change(url.from!, body, version, `The fallback of ${url.from} is saved.`, before)}
        reload={() => get<Fallback>(`fallbacks/${idPath(url.from!)}`)}
      />
      {noun.asking}
    </>
  );
}
