// The first start: the first admin, a provider that answers (or the mock), a key with lines to copy, and the first call,
// seen as it arrives. Each step stores what it makes, so the page can be left and opened again.

import { Alert, Anchor, Button, Group, PasswordInput, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { ApiError, get, keepCsrf, patch, post, remove, wordsOf } from "@/kit/api";
import { clock, duration, money } from "@/kit/format";
import { Mark } from "@/kit/icons";
import { keys } from "@/kit/query";
import { meQuery } from "@/kit/session";
import { SnippetTabs } from "@/kit/snippet-tabs";
import { Status } from "@/kit/status";
import type { CallRecord, Page, Stored } from "@/kit/types";
import classes from "./shell.module.css";

const STEPS = ["Administrator", "Provider", "Key", "First call"] as const;
const ASK_AGAIN_MS = 1000;

interface Choice {
  id: string;
  label: string;
  words: string;
  model: string;
}

const CHOICES: readonly Choice[] = [
  { id: "openai", label: "OpenAI", words: "with your key", model: "openai/gpt-4o-mini" },
  { id: "anthropic", label: "Anthropic", words: "with your key", model: "anthropic/claude-haiku-4-5" },
  { id: "groq", label: "Groq", words: "with your key", model: "groq/llama-3.3-70b-versatile" },
  { id: "custom", label: "Another one", words: "with the API of OpenAI; for all types, skip and open the page Providers", model: "" },
  { id: "mock", label: "Mock", words: "answers by itself, without a key and without cost", model: "mock/echo" },
];

interface Made {
  name: string;
  value: string;
}

export default function FirstStart() {
  const me = useQuery({ ...meQuery, refetchOnWindowFocus: false });
  const [step, setStep] = useState(0);
  const [model, setModel] = useState("mock/echo");
  const [made, setMade] = useState<Made | null>(null);
  const loggedIn = me.isSuccess;
  useEffect(() => {
    document.title = "First start · Asbru";
  }, []);
  const shown = step === 0 && loggedIn ? 1 : step;
  if (me.isPending) return null;
  return (
    <main className={classes.center} style={{ paddingTop: "7vh" }}>
      <div className={`${classes.panel} ${classes.wide}`}>
        <h1 className={classes.panelBrand}><Mark size={30} />Welcome to Asbru</h1>
        <ol className={classes.steps} aria-label="Steps">
          {STEPS.map((label, index) => (
            <li key={label} aria-current={index === shown ? "step" : undefined} data-done={index < shown}>{index < shown ? `✓ ${label}` : `${index + 1}. ${label}`}</li>
          ))}
        </ol>
        {shown === 0 && <Administrator onDone={() => setStep(1)} />}
        {shown === 1 && <Provider onDone={(chosen) => { setModel(chosen); setStep(2); }} />}
        {shown === 2 && <Key onDone={(key) => { setMade(key); setStep(3); }} />}
        {shown === 3 && made && <FirstCall made={made} model={model} />}
        {shown > 0 && shown < 3 && <Anchor component={Link} to="/" size="sm" mt="lg" display="inline-block">Skip, and open the UI</Anchor>}
      </div>
    </main>
  );
}

function Step({ title, words, onSubmit, failed, busy, action, children }: { title: string; words: ReactNode; onSubmit: (form: FormData) => void; failed: string | null; busy: boolean; action: string; children: ReactNode }) {
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
        <Group><Button type="submit" size="sm" loading={busy}>{action}</Button></Group>
      </Stack>
    </form>
  );
}

/** What a step does, and what came of it. */
function useStep(): [boolean, string | null, (work: () => Promise<void>) => void] {
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

function Administrator({ onDone }: { onDone: () => void }) {
  const client = useQueryClient();
  const [busy, failed, run] = useStep();
  // After the mark, because that part of an address is sent to nobody.
  const [given] = useState(() => decodeURIComponent(location.hash.slice(1)));
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
      <PasswordInput name="token" label="Set-up token" defaultValue={given} required withAsterisk={false} autoFocus={!given} autoComplete="off" />
      <TextInput name="name" label="User" autoFocus={Boolean(given)} required withAsterisk={false} autoComplete="username" autoCapitalize="none" spellCheck={false} />
      <PasswordInput name="password" label="Password" description="At least 12 characters." required minLength={12} withAsterisk={false} autoComplete="new-password" />
      <PasswordInput name="again" label="Password once more" required withAsterisk={false} autoComplete="new-password" />
    </Step>
  );
}

function Provider({ onDone }: { onDone: (model: string) => void }) {
  const [chosen, setChosen] = useState("mock");
  const [name, setName] = useState("");
  const [model, setModel] = useState("");
  const [problems, setProblems] = useState<string[]>([]);
  const [busy, failed, run] = useStep();
  const choice = CHOICES.find((one) => one.id === chosen)!;
  const custom = chosen === "custom";
  const provider = custom ? name : chosen;
  const asked = model || choice.model;
  const submit = (form: FormData) =>
    run(async () => {
      setProblems([]);
      const keyed = { keys: [{ name: "main", value: String(form.get("key") ?? "") }] };
      const body = chosen === "mock" ? { name: "mock" } : custom ? { name, dialect: "openai", base_url: String(form.get("base_url")), ...(form.get("key") ? keyed : {}) } : { name: chosen, ...keyed };
      await save(body);
      const tested = await post<{ ok: boolean; problems: string[] }>(`providers/${encodeURIComponent(provider)}/test`);
      if (tested.ok) onDone(custom ? `${name}/${asked}` : asked);
      else setProblems(tested.problems);
    });
  return (
    <Step title="Add a provider" words="It is asked for its list of models to see that it answers. More can be added at any time." onSubmit={submit} failed={failed} busy={busy} action={chosen === "mock" ? "Use the mock" : "Save and test"}>
      {problems.length > 0 && (
        <Alert color="yellow" title="Saved, but it does not answer as expected" role="alert">
          {problems.map((problem) => <div key={problem}>{problem}</div>)}
          <Button variant="subtle" mt="xs" px={0} onClick={() => onDone(custom ? `${name}/${asked}` : asked)}>Continue all the same</Button>
        </Alert>
      )}
      <Radio.Group value={chosen} onChange={(next) => { setChosen(next); setModel(""); setProblems([]); }} aria-label="Provider">
        <Stack gap={8}>
          {CHOICES.map((one) => <Radio key={one.id} value={one.id} label={<>{one.label} <span className="muted">{one.words}</span></>} />)}
        </Stack>
      </Radio.Group>
      {custom && <TextInput label="Name" placeholder="vllm" value={name} onChange={(event) => setName(event.currentTarget.value)} required withAsterisk={false} />}
      {custom && <TextInput name="base_url" label="Address" placeholder="http://127.0.0.1:8000/v1" required withAsterisk={false} />}
      {chosen !== "mock" && <PasswordInput name="key" label="API key" description="Stored sealed; it cannot be read again." required={!custom} withAsterisk={false} autoComplete="off" />}
      {chosen !== "mock" && <TextInput label="Model for the first call" placeholder={custom ? "a model that it has" : choice.model} value={model} onChange={(event) => setModel(event.currentTarget.value)} required={custom} withAsterisk={false} />}
    </Step>
  );
}

/** A new provider, or another key for one that is there. One that the file declares is taken as it is. */
async function save(body: { name: string }): Promise<void> {
  try {
    await post("providers", body);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 409) throw error;
    const { name, ...rest } = body;
    const there = await get<Stored>(`providers/${encodeURIComponent(name)}`);
    if (there.source === "api" && Object.keys(rest).length) await patch(`providers/${encodeURIComponent(name)}`, rest);
  }
}

function Key({ onDone }: { onDone: (made: Made) => void }) {
  const [busy, failed, run] = useStep();
  const submit = (form: FormData) =>
    run(async () => {
      const name = String(form.get("name"));
      onDone({ name, value: (await post<{ value: string }>("keys", { name })).value });
    });
  return (
    <Step title="Make a virtual key" words="Programs call the gateway with virtual keys. Budgets, limits and records are kept by key." onSubmit={submit} failed={failed} busy={busy} action="Make the key">
      <TextInput name="name" label="Name" defaultValue="first-key" required withAsterisk={false} autoFocus spellCheck={false} />
    </Step>
  );
}

function FirstCall({ made, model }: { made: Made; model: string }) {
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const records = useQuery({
    queryKey: keys.list("records", { caller: made.name, limit: 1 }),
    queryFn: ({ signal }) => get<Page<CallRecord>>("records", { caller: made.name, limit: 1 }, signal),
    refetchInterval: (query) => (query.state.data?.items.length ? false : ASK_AGAIN_MS),
  });
  const call = records.data?.items[0];
  const send = async () => {
    setBusy(true);
    setFailed(null);
    try {
      const response = await fetch("/v1/chat/completions", {
        method: "POST",
        headers: { authorization: `Bearer ${made.value}`, "content-type": "application/json" },
        body: JSON.stringify({ model, messages: [{ role: "user", content: "Say hello in one sentence." }] }),
      });
      const reply = (await response.json()) as { error?: { message: string } };
      if (!response.ok) setFailed(reply.error?.message ?? `The call failed with status ${response.status}.`);
    } catch {
      setFailed("The gateway did not answer.");
    }
    setBusy(false);
  };
  return (
    <Stack gap="md">
      <div>
        <h2 style={{ margin: 0, fontSize: "1rem" }}>Send the first call</h2>
        <Text size="sm" c="dimmed">The key is shown only once. Copy the lines for your client, or send a call from this page.</Text>
      </div>
      <SnippetTabs apiKey={made.value} model={model} />
      {failed && <Alert color="red" role="alert">{failed}</Alert>}
      <div role="status">
        {call ? (
          <Alert color="bridge" title="The first call has arrived">
            <Group gap="lg">
              <Status tone={(call.status) < 400 ? "ok" : "bad"}>{call.status}</Status>
              <span className="mono">{call.model_served || call.model_asked}</span>
              <span>{duration(call.latency_us)}</span>
              <span>{money(call.cost_nanousd)}</span>
              <span className="muted">{clock(call.started_ms)}</span>
            </Group>
          </Alert>
        ) : (
          <Group gap="md">
            <Button size="sm" variant="default" onClick={() => void send()} loading={busy}>Send a call from here</Button>
            <Status tone="plain">Waiting for the first call of {made.name}…</Status>
          </Group>
        )}
      </div>
      <Button size="sm" variant={call ? "filled" : "subtle"} component={Link} to="/" style={{ alignSelf: "flex-start" }}>Open the UI</Button>
    </Stack>
  );
}
