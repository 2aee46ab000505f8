// The first step: the set-up token makes the first administrator, who is then logged in.

import { PasswordInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { keepCsrf, post, remove } from "@/kit/api";
import { meQuery } from "@/kit/session";
import { Step, useStep } from "./step";

export function Administrator({ onDone }: { onDone: () => void }) {
  const client = useQueryClient();
  const [busy, failed, run] = useStep();
  const [given, setGiven] = useState(tokenOfAddress);
  useEffect(() => {
    // The link with the token, opened where this page is open already, loads nothing.
    const read = () => setGiven(tokenOfAddress());
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }, []);
  const submit = (form: FormData) =>
    run(async () => {
      const [name, password] = [String(form.get("name")), String(form.get("password"))];
      if (password !== form.get("again")) throw new Error("The two passwords differ.");
      await post("setup", { token: String(form.get("token")).trim(), name, password });
      const session = await post<{ csrf: string }>("session", { name, password });
      keepCsrf(session.csrf);
      await remove("tokens/setup"); // made for the command line; this person has a session
      await client.fetchQuery(meQuery);
      onDone();
    });
  return (
    <Step title="Create the first administrator" words="Asbru printed the set-up token when it started; the link it printed contains the token." onSubmit={submit} failed={failed} busy={busy} action="Create and log in">
      <PasswordInput key={given} name="token" label="Set-up token" defaultValue={given} required withAsterisk={false} autoFocus={!given} autoComplete="off" />
      <TextInput name="name" label="User" autoFocus={Boolean(given)} required withAsterisk={false} autoComplete="username" autoCapitalize="none" spellCheck={false} />
      <PasswordInput name="password" label="Password" description="At least 12 characters." required minLength={12} withAsterisk={false} autoComplete="new-password" />
      <PasswordInput name="again" label="Password once more" required withAsterisk={false} autoComplete="new-password" />
    </Step>
  );
}

/** After the mark, because that part of an address is sent to nobody. */
function tokenOfAddress(): string {
  return decodeURIComponent(location.hash.slice(1));
}
