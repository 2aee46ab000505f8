// The frame of a step of the first start: its words, its form, what went wrong.

import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import { wordsOf } from "@/kit/api";
import classes from "../shell.module.css";

export interface Made {
  name: string;
  value: string;
}

export function Step({ title, words, onSubmit, failed, busy, action, ready = true, children }: { title: string; words: ReactNode; onSubmit: (form: FormData) => void; failed: string | null; busy: boolean; action: string; ready?: boolean; children: ReactNode }) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSubmit(new FormData(event.currentTarget));
  };
  return (
    <form onSubmit={submit} className={classes.step}>
      <Stack gap="md">
        <div>
          <h2 style={{ margin: 0, fontSize: "1rem" }}>{title}</h2>
          <Text size="sm" c="dimmed" component="div">{words}</Text>
        </div>
        {failed && <Alert color="red" role="alert">{failed}</Alert>}
        {children}
        <Group><Button type="submit" size="sm" loading={busy} disabled={!ready}>{action}</Button></Group>
      </Stack>
    </form>
  );
}

/** What a step does, and what came of it. */
export function useStep(): [boolean, string | null, (work: () => Promise<void>) => void] {
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const run = (work: () => Promise<void>) => {
    setBusy(true);
    setFailed(null);
    work()
      .catch((error: unknown) => setFailed(wordsOf(error)))
      .finally(() => setBusy(false));
  };
  return [busy, failed, run];
}
