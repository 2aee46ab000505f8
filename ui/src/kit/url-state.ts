// The URL is the state: filters, range, sort, the chosen row. Values are plain text; a default is left out of the URL.

import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";

export type UrlState = Record<string, string | undefined>;
type SetUrlState<T> = (patch: Partial<T>, options?: { push?: boolean }) => void;

/** The members of `defaults`, as the URL has them. `set` merges; a member that is undefined, "" or the default leaves the
 *  URL. Changes replace the entry of the history, unless `push` says that Back is to undo them. */
export function useUrlState<T extends UrlState>(defaults: T): [T, SetUrlState<T>] {
  const search = useSearch({ strict: false }) as UrlState;
  const navigate = useNavigate();
  const text = JSON.stringify(defaults);
  const names = Object.keys(defaults).join(" ");
  const state = useMemo(() => {
    const given = names.split(" ").filter((name) => search[name]).map((name) => [name, search[name]]);
    return { ...(JSON.parse(text) as T), ...(Object.fromEntries(given) as Partial<T>) };
  }, [search, text, names]);
  const set = useCallback<SetUrlState<T>>(
    (patch, options = {}) => {
      const known = JSON.parse(text) as T;
      const merge = (before: UrlState): UrlState => {
        const after: UrlState = { ...before, ...patch };
        for (const [name, value] of Object.entries(after)) if (!value || value === known[name]) delete after[name];
        return after;
      };
      // The router's types know the search of a route; here it is any page's.
      void navigate({ to: ".", replace: !options.push, resetScroll: false, search: merge as never });
    },
    [navigate, text],
  );
  return [state, set];
}

/** `?a=1&b=two`, without the quotes and types that the router would add. */
export function parseSearch(text: string): UrlState {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(search))
    if (value !== undefined && value !== null && value !== "") parameters.set(name, String(value));
  const text = parameters.toString();
  return text ? `?${text}` : "";
}
