// Settings: every number, switch and choice of the configuration, with who has set it; changed here, with undo. What the
// file sets is the file's.

import { Button, Checkbox, TextInput } from "@mantine/core";
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { ApiError, get, patch } from "@/kit/api";
import { ConflictDialog } from "@/kit/conflict-dialog";
import { EmptyState } from "@/kit/empty-state";
import { switchWords } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import { keys } from "@/kit/query";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { toastDone, toastFailed } from "@/kit/toasts";
import { useUrlState } from "@/kit/url-state";
import { Control } from "./control";
import { fits, groupsOf, labelOf, type Setting, type SettingValue, valueWords } from "./setting";
import classes from "./settings.module.css";

interface SettingList {
  items: Setting[];
  version: number;
}

/** A setting that somebody else has changed since it was read. */
interface Conflict {
  seen: Setting;
  theirs: Setting;
  yours: SettingValue;
}

const settingsQuery = queryOptions({
  queryKey: keys.list("settings"),
  queryFn: ({ signal }) => get<SettingList>("settings", undefined, signal),
});
const NONE: Setting[] = [];
/** Of a change while others change other settings. */
const TRIES_MAX = 3;

export default function SettingsView() {
  const client = useQueryClient();
  const [url, setUrl] = useUrlState<{ group: string; search: string; changed: string | undefined }>({ group: "all", search: "", changed: undefined });
  const searchBox = useRef<HTMLInputElement>(null);
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const mayWrite = useMay("settings:write");
  const list = useQuery(settingsQuery);
  const all = list.data?.items ?? NONE;
  const groups = useMemo(() => groupsOf(all), [all]);
  const shown = useMemo(
    () => groupsOf(all.filter((one) => fits(one, url.search) && (!url.changed || one.source !== "default"))).filter((group) => url.group === "all" || group.id === url.group),
    [all, url],
  );
  useShortcuts(useMemo(() => [{ keys: "/", words: "Search settings", run: () => searchBox.current?.focus() }], []));

  /** Changes what nobody else has changed meanwhile; that others have changed other settings is no conflict. */
  const write = async (one: Setting, value: SettingValue): Promise<boolean> => {
    const path = one.path;
    let version = client.getQueryData(settingsQuery.queryKey)?.version;
    for (let tries = 0; ; tries++) {
      try {
        client.setQueryData(settingsQuery.queryKey, await patch<SettingList>("settings", { [path]: value }, version));
        return true;
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 412 || tries === TRIES_MAX) throw error;
        const found = await client.fetchQuery({ ...settingsQuery, staleTime: 0 });
        const theirs = found.items.find((other) => other.path === path);
        if (theirs && theirs.value !== one.value) {
          setConflict({ seen: one, theirs, yours: value });
          return false;
        }
        version = found.version;
      }
    }
  };
  const save = async (one: Setting, value: SettingValue, undone = false) => {
    const before = one.source === "api" ? one.value : null;
    try {
      if (!(await write(one, value))) return;
      const words = value === null ? `${labelOf(one.path)}: the default again, ${valueWords(one.default, one.unit)}.` : `${labelOf(one.path)}: ${valueWords(value, one.unit)}.`;
      toastDone(words, undone ? undefined : () => void save({ ...one, source: "api", value }, before, true));
    } catch (error) {
      toastFailed(`${labelOf(one.path)} was not changed`, error);
      await client.invalidateQueries({ queryKey: keys.noun("settings") });
    }
  };

  const changedIn = (items: readonly Setting[]) => items.filter((one) => one.source !== "default").length;
  return (
    <>
      <PageHeader title="Settings" words="How the gateway behaves. Changes apply at once, to all workers, without a restart. What the configuration file sets can only be changed there." />
      {list.error && !list.data ? <Problem error={list.error} what="The settings" retry={() => void list.refetch()} /> : (
        <div className={classes.page}>
          <nav className={classes.groups} aria-label="Groups of settings">
            {[{ id: "all", title: "All", items: all }, ...groups].map((group) => (
              <button key={group.id} type="button" aria-pressed={url.group === group.id} onClick={() => setUrl({ group: group.id }, { push: true })}>
                <span>{group.title}</span>
                {changedIn(group.items) > 0 && <span className="muted" title="Settings that are not the default">{changedIn(group.items)} set</span>}
              </button>
            ))}
          </nav>
          <div>
            <div className={classes.bar}>
              <TextInput size="xs" ref={searchBox} aria-label="Search settings" placeholder="Search" leftSection={<Icon name="search" size={14} />} defaultValue={url.search} key={url.search === "" ? "empty" : "search"} onChange={(event) => setUrl({ search: event.currentTarget.value })} w={300} maw="100%" />
              <Checkbox size="xs" label="Only what is not the default" checked={url.changed !== undefined} onChange={(event) => setUrl({ changed: event.currentTarget.checked ? "1" : undefined })} />
            </div>
            {!list.data && <p className="muted late">Loading…</p>}
            {list.data && shown.length === 0 && <EmptyState sentence={url.search ? `No setting here is about “${url.search}”.` : "Everything here has its default."} action={<Button variant="default" onClick={() => setUrl({ group: "all", search: "", changed: undefined })}>Show all settings</Button>} />}
            {shown.map((group) => (
              <section key={group.id} className={classes.group} aria-labelledby={`settings-${group.id}`}>
                <h2 id={`settings-${group.id}`}>{group.title}</h2>
                <ul className={classes.list}>
                  {group.items.map((one) => <Row key={one.path} one={one} mayWrite={mayWrite} onSave={(value) => save(one, value)} />)}
                </ul>
              </section>
            ))}
          </div>
        </div>
      )}
      {conflict && (
        <ConflictDialog
          before={shownIn(conflict.seen, conflict.seen.value)}
          theirs={shownIn(conflict.seen, conflict.theirs.value)}
          yours={shownIn(conflict.seen, conflict.yours ?? conflict.seen.default)}
          onTheirs={() => setConflict(null)}
          onYours={() => {
            setConflict(null);
            void save(conflict.theirs, conflict.yours);
          }}
          onClose={() => setConflict(null)}
        />
      )}
    </>
  );
}

function shownIn(one: Setting, value: SettingValue): Record<string, string> {
  return { [labelOf(one.path)]: valueWords(value, one.unit) };
}

function Row({ one, mayWrite, onSave }: { one: Setting; mayWrite: boolean; onSave: (value: SettingValue) => Promise<void> }) {
  const fixed = one.source === "file" || !one.live;
  return (
    <li data-changed={one.source === "api"}>
      <div>
        <div className={classes.head}><span className={classes.label}>{labelOf(one.path)}</span><span className={`mono ${classes.path}`}>{one.path}</span></div>
        <p className={classes.words}>{switchWords(one.words.replaceAll("`", ""))}</p>
      </div>
      <div>
        <Control one={one} readOnly={!mayWrite || fixed} onSave={onSave} />
        <div className={classes.state}>
          {one.source === "file" && <span>set in the configuration file</span>}
          {!one.live && <span>read at the start; change it in the file</span>}
          {one.source === "api" && (
            <>
              <span>default {valueWords(one.default, one.unit)}</span>
              {mayWrite && <button type="button" className={classes.restore} aria-label={`Restore the default of ${labelOf(one.path)}`} onClick={() => void onSave(null)}>Restore</button>}
            </>
          )}
          {one.source === "default" && one.live && <span>default</span>}
        </div>
      </div>
    </li>
  );
}
