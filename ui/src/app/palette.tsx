import { Spotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Icon } from "@/kit/icons";
import type { PageEntry } from "@/kit/page";

/** The command palette: pages, actions, and a record or key by its name. */
export default function Palette({ pages, onTheme, onHelp }: { pages: PageEntry[]; onTheme: () => void; onHelp: () => void }) {
  const navigate = useNavigate();
  const [query, setQuery] = useState("");
  const text = query.trim();
  const go = (path: string, search?: Record<string, string>) => void navigate({ to: `/${path}` as string, search: (search ?? {}) as never });
  const has = (path: string) => pages.some((page) => page.path === path);
  const groups: SpotlightActionGroupData[] = [
    { group: "Pages", actions: pages.map((page) => ({ id: page.path, label: page.title, keywords: page.words ?? "", leftSection: <Icon name={page.icon} />, onClick: () => go(page.path) })) },
    {
      group: "Actions",
      actions: [
        ...(has("keys") ? [{ id: "new-key", label: "Create a virtual key", leftSection: <Icon name="plus" />, onClick: () => go("keys", { new: "1" }) }] : []),
        { id: "theme", label: "Switch theme", keywords: "dark light", leftSection: <Icon name="moon" />, onClick: onTheme },
        { id: "help", label: "Keyboard shortcuts", keywords: "help keys", leftSection: <Icon name="help" />, onClick: onHelp },
      ],
    },
    {
      group: "Search",
      actions: [
        ...(text && has("records") ? [{ id: "find-record", label: `Find “${text}” in records`, keywords: text, leftSection: <Icon name="search" />, onClick: () => go("records", { text }) }] : []),
        ...(text && has("keys") ? [{ id: "find-key", label: `Find “${text}” in virtual keys`, keywords: text, leftSection: <Icon name="keys" />, onClick: () => go("keys", { search: text }) }] : []),
      ],
    },
  ];
  return (
    <Spotlight
      actions={groups}
      query={query}
      onQueryChange={setQuery}
      shortcut={["mod + K"]}
      nothingFound="Nothing found"
      highlightQuery
      scrollable
      maxHeight={380}
      searchProps={{ placeholder: "Search pages and actions", leftSection: <Icon name="search" />, "aria-label": "Search pages and actions" }}
    />
  );
}
