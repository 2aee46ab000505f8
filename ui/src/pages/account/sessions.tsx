// Where one is logged in: each session with its program and times, and "log out" for those elsewhere.

import { Button } from "@mantine/core";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { get, remove } from "@/kit/api";
import { moment, relative } from "@/kit/format";
import { Problem } from "@/kit/problem";
import { keys } from "@/kit/query";
import { toastDone, toastFailed } from "@/kit/toasts";
import type { Page } from "@/kit/types";
import classes from "./account.module.css";
import { agentWords } from "./agent";

export interface Session {
  id: string;
  began_ms: number | null;
  expires_ms: number;
  agent: string;
  current: boolean;
}

const sessionsQuery = queryOptions({
  queryKey: keys.list("sessions"),
  queryFn: async ({ signal }) => (await get<Page<Session>>("me/sessions", undefined, signal)).items,
});

export function Sessions() {
  const client = useQueryClient();
  const sessions = useQuery(sessionsQuery);
  const end = useMutation({
    mutationFn: (one: Session | null) => remove(one ? `me/sessions/${one.id}` : "me/sessions"),
    onSuccess: (_, one) => toastDone(one ? `${agentWords(one.agent)} is logged out.` : "You are logged out everywhere else."),
    onError: (error) => toastFailed("Nothing was logged out", error),
    onSettled: () => client.invalidateQueries({ queryKey: keys.noun("sessions") }),
  });
  const shown = sessions.data?.toSorted((a, b) => Number(b.current) - Number(a.current)) ?? [];
  const others = sessions.data?.filter((one) => !one.current) ?? [];
  return (
    <section className={classes.sessions} aria-labelledby="sessions-title">
      <h2 id="sessions-title">Where you are logged in</h2>
      {sessions.error && !sessions.data && <Problem error={sessions.error} what="Your sessions" retry={() => void sessions.refetch()} />}
      <ul>
        {shown.map((one) => (
          <li key={one.id}>
            <div>
              <span title={one.agent}>{agentWords(one.agent)}</span>
              <div className="muted">
                {one.began_ms !== null && <span title={moment(one.began_ms)}>logged in {relative(one.began_ms)}, </span>}
                <span title={moment(one.expires_ms)}>ends {relative(one.expires_ms)}</span>
              </div>
            </div>
            {one.current ? <span className="muted">this one</span> : <Button variant="default" aria-label={`Log out ${agentWords(one.agent)}`} loading={end.isPending && end.variables?.id === one.id} onClick={() => end.mutate(one)}>Log out</Button>}
          </li>
        ))}
      </ul>
      {others.length > 1 && <Button variant="subtle" px={0} onClick={() => end.mutate(null)}>Log out everywhere else</Button>}
    </section>
  );
}
