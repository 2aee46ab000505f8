// Who one is here, what one may do, where one is logged in, and another password.

import { Alert, Button, PasswordInput, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, keepCsrf, post, wordsOf } from "@/kit/api";
import { count, moment, relative } from "@/kit/format";
import { PageHeader } from "@/kit/page-header";
import { keys } from "@/kit/query";
import { useMe } from "@/kit/session";
import { toastDone } from "@/kit/toasts";
import type { Me } from "@/kit/types";
import classes from "./account.module.css";
import { Sessions } from "./sessions";

const PASSWORD_CHARS_MIN = 12;

export default function AccountView() {
  const me = useMe();
  if (!me) return null;
  return (
    <>
      <PageHeader title="Your account" />
      <div className={classes.page}>
        <div>
          <dl className={classes.facts}>
            <dt>Name</dt><dd>{me.name.replace(/^user\//, "")}</dd>
            <dt>Role</dt><dd>{me.role}</dd>
            <dt>You see</dt><dd>{sees(me)}</dd>
            <dt>You may</dt><dd><Permissions me={me} /></dd>
            {me.expires_ms !== null && <><dt>Session</dt><dd title={moment(me.expires_ms)}>ends {relative(me.expires_ms)}</dd></>}
          </dl>
          {me.via === "session" && <Sessions />}
        </div>
        {me.via === "session" && <Password />}
      </div>
    </>
  );
}

function sees({ scope }: Me): string {
  if (scope.kind === "all") return "everything";
  return scope.kind === "team" ? `what belongs to ${scope.teams.join(", ")}` : `what belongs to the ${count(scope.keys.length, "key")} that you have created`;
}

function Permissions({ me }: { me: Me }) {
  const nouns = (verb: string) => me.permissions.filter((one) => one.endsWith(`:${verb}`)).map((one) => one.split(":")[0]!.replaceAll("-", " "));
  const [reads, writes] = [nouns("read"), nouns("write")];
  return (
    <>
      <div><strong>see</strong> {reads.length ? reads.join(", ") : "nothing"}</div>
      <div><strong>change</strong> {writes.length ? writes.join(", ") : "nothing"}</div>
    </>
  );
}

function Password() {
  const client = useQueryClient();
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<unknown>(null);
  const tooShort = password.length < PASSWORD_CHARS_MIN;
  const wrong = refused instanceof ApiError && refused.message.toLowerCase().startsWith("current");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!current || tooShort || again !== password) return;
    setBusy(true);
    setRefused(null);
    try {
      keepCsrf((await post<{ csrf: string }>("me/password", { current, password })).csrf);
      toastDone("Your password is changed. Your other sessions have ended.");
      for (const set of [setCurrent, setPassword, setAgain]) set("");
      setTried(false);
      await client.invalidateQueries({ queryKey: keys.me });
    } catch (error) {
      setRefused(error);
    }
    setBusy(false);
  };
  const toggle = { "aria-label": "Show the password" };
  return (
    <form className={classes.password} onSubmit={(event) => void submit(event)} noValidate aria-labelledby="password-title">
      <h2 id="password-title">Change your password</h2>
      <Stack gap="md">
        <PasswordInput label="Password now" value={current} onChange={(event) => { setCurrent(event.currentTarget.value); setRefused(null); }} error={wrong ? "This is not the password" : tried && !current ? "Required" : undefined} autoComplete="current-password" visibilityToggleButtonProps={toggle} />
        <PasswordInput label="New password" description={`At least ${PASSWORD_CHARS_MIN} characters.`} value={password} onChange={(event) => setPassword(event.currentTarget.value)} error={tried && tooShort ? `At least ${PASSWORD_CHARS_MIN} characters` : undefined} autoComplete="new-password" visibilityToggleButtonProps={toggle} />
        <PasswordInput label="New password again" value={again} onChange={(event) => setAgain(event.currentTarget.value)} error={(tried || again !== "") && !password.startsWith(again) ? "The two differ" : tried && again !== password ? "The two differ" : undefined} autoComplete="new-password" visibilityToggleButtonProps={toggle} />
        {refused !== null && !wrong && <Alert color="red" role="alert">{wordsOf(refused)}</Alert>}
        <div><Button type="submit" size="sm" loading={busy}>Change the password</Button></div>
        <Text size="sm" c="dimmed">Your sessions in other browsers end; this one goes on.</Text>
      </Stack>
    </form>
  );
}
