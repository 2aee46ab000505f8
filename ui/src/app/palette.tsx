import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from "@mantine/spotlight";
import { useDebouncedValue } from "@mantine/hooks";
import { useQueries } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { get } from "@/kit/api";
import { Icon } from "@/kit/icons";
import type { Findable, PageEntry } from "@/kit/page";
import { keys } from "@/kit/query";
import { may, useMe } from "@/kit/session";
import { chooseFirst, paletteStore } from "./palette-store";
import { namesOf, type Named, recordOrSession } from "./found";

const PAUSE_MS = 200;
const TEXT_CHARS_MIN = 2;
/** Of each kind of objects. */
const FOUND_MAX = 5;

/** The command palette: pages, actions, objects by their names, and one record or session by its id. */
export default function Palette({ pages, onTheme, onHelp }: { pages: PageEntry[]; onTheme: () => void; onHelp: () => void }) {
  const navigate = useNavigate();
  const me = useMe();
  const [query, setQuery] = useState("");
  const text = query.trim();
  const go = (path: string, search?: Record<string, string>) => void navigate({ to: `/${path}` as string, search: (search ?? {}) as never });
  const has = (path: string) => pages.some((page) => page.path === path);
  const findable = pages.flatMap((page) => (page.finds ?? []).filter((one) => may(me, `${one.noun}:read`)).map((one) => ({ page, one })));
  const objects = useObjects(findable.map(({ one }) => one), text);
  const names = objects.flat().join(" ");
  useEffect(chooseFirst, [names]);
  const [known] = recordOrSession(text);
  const groups: SpotlightActionGroupData[] = [
    { group: "Pages", actions: pages.map((page) => ({ id: page.path, label: page.title, keywords: page.words ?? "", leftSection: <Icon name={page.icon} />, onClick: () => go(page.path) })) },
    {
      group: "Actions",
      actions: [
        ...findable.flatMap(({ page, one }) => (one.create && may(me, `${one.noun}:write`) ? [{ id: `new-${one.noun}`, label: one.create.words, keywords: "new create add", leftSection: <Icon name="plus" />, onClick: () => go(page.path, one.create!.search) }] : [])),
        { id: "account", label: "Your account", keywords: "password sessions permissions", leftSection: <Icon name="users" />, onClick: () => go("account") },
        { id: "theme", label: "Switch theme", keywords: "dark light", leftSection: <Icon name="moon" />, onClick: onTheme },
        { id: "help", label: "Keyboard shortcuts", keywords: "help keys", leftSection: <Icon name="help" />, onClick: onHelp },
      ],
    },
    {
      group: "Objects",
      actions: findable.flatMap(({ page, one }, at): SpotlightActionData[] =>
        (objects[at] ?? []).map((id) => ({ id: `${one.noun} ${id}`, label: id, description: one.one, leftSection: <Icon name={page.icon} />, onClick: () => go(page.path, one.open(id)) })),
      ),
    },
    {
      group: "Search",
      actions: [
        ...(known && has(known) ? [{ id: "open", label: `Open ${text}`, leftSection: <Icon name={known} />, onClick: () => go(known, { id: text }) }] : []),
        ...(text && has("records") ? [{ id: "find-record", label: `Find “${text}” in records`, leftSection: <Icon name="search" />, onClick: () => go("records", { text }) }] : []),
      ],
    },
  ];
  return (
    <Spotlight
      store={paletteStore}
      attributes={{ content: { "aria-label": "Search pages, actions and names" } }}
      styles={{ actionDescription: { color: "inherit", opacity: 1 } }}
      actions={groups}
      query={query}
      onQueryChange={setQuery}
      shortcut={null}
      nothingFound="Nothing found"
      highlightQuery
      scrollable
      maxHeight={380}
      searchProps={{ placeholder: "Search pages, actions and names", leftSection: <Icon name="search" />, "aria-label": "Search pages, actions and names" }}
    />
  );
}

/** The names of objects that contain what was typed, for each kind. The pages are asked for nothing meanwhile. */
function useObjects(kinds: readonly Findable[], text: string): readonly (readonly string[])[] {
  const [settled] = useDebouncedValue(text, PAUSE_MS);
  return useQueries({
    queries: kinds.map(({ noun, whole }) => ({
      queryKey: keys.list(noun, whole ? { whole } : { found: settled }),
      queryFn: ({ signal }: { signal: AbortSignal }) => get<{ items: Named[] }>(noun, whole ? undefined : { search: settled, limit: FOUND_MAX }, signal),
      enabled: settled.length >= TEXT_CHARS_MIN && text !== "",
      staleTime: 30_000,
    })),
    combine: (answers) => answers.map((answer) => namesOf(answer.data?.items ?? [], text, FOUND_MAX)),
  });
}
