import { Alert, Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import { keepCsrf, post, wordsOf } from "@/kit/api";
import { Mark } from "@/kit/icons";
import { meQuery } from "@/kit/session";
import { useUrlState } from "@/kit/url-state";
import classes from "./shell.module.css";

export default function Login() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const router = useRouter();
  const [{ next }] = useUrlState<{ next?: string | undefined }>({ next: undefined });
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = "Log in · Asbru";
  }, []);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setFailed(null);
    try {
      const session = await post<{ csrf: string }>("session", { name: String(form.get("name")), password: String(form.get("password")) });
      keepCsrf(session.csrf);
      client.removeQueries();
      await client.fetchQuery(meQuery);
      // Within the UI only: the path is put below /ui, whatever it says.
      if (next?.startsWith("/")) router.history.push(`/ui${next}`);
      else await navigate({ to: "/" });
    } catch (error) {
      setFailed(wordsOf(error));
      setBusy(false);
    }
  };
  return (
    <main className={classes.center}>
      <form className={classes.panel} onSubmit={(event) => void submit(event)}>
        <h1 className={classes.panelBrand}><Mark size={30} />Log in to Asbru</h1>
        <Stack gap="md">
          {failed && <Alert color="red" role="alert">{failed}</Alert>}
          <TextInput name="name" label="User" required autoFocus autoComplete="username" autoCapitalize="none" spellCheck={false} withAsterisk={false} />
          <PasswordInput name="password" label="Password" required autoComplete="current-password" withAsterisk={false} />
          <Button type="submit" size="sm" loading={busy}>Log in</Button>
        </Stack>
      </form>
    </main>
  );
}
