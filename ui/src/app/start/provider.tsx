// The second step: a provider that answers, of any type; or the mock, which needs nothing.

import { Alert, Button, Checkbox, PasswordInput, Radio, Select, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, get, patch, post } from "@/kit/api";
import { type ProviderType, providerTypesQuery } from "@/kit/provider-types";
import type { Stored } from "@/kit/types";
import { Step, useStep } from "./step";

const TYPE_FIRST = "openai";
const NONE: ProviderType[] = [];

/** `onDone`: the name of the provider. */
export function Provider({ onDone }: { onDone: (name: string) => void }) {
  const types = useQuery(providerTypesQuery);
  const [isReal, setIsReal] = useState(false);
  const [chosen, setChosen] = useState(TYPE_FIRST);
  const [problems, setProblems] = useState<string[]>([]);
  const [added, setAdded] = useState("");
  const [busy, failed, run] = useStep();
  const all = types.data ?? NONE;
  const mock = all.find((one) => one.served_here);
  const type = all.find((one) => one.name === chosen);
  const submit = (form: FormData) =>
    run(async () => {
      setProblems([]);
      const body = isReal && type ? bodyOf(type, form) : { name: mock?.name ?? "mock" };
      await save(body);
      setAdded(body.name);
      const tested = await post<{ ok: boolean; problems: string[] }>(`providers/${encodeURIComponent(body.name)}/test`);
      if (tested.ok) onDone(body.name);
      else setProblems(tested.problems);
    });
  return (
    <Step title="Add a provider" words="It is asked for its list of models to see that it answers. More can be added at any time." onSubmit={submit} failed={failed} busy={busy} action={isReal ? "Save and test" : "Use the mock"}>
      {problems.length > 0 && (
        <Alert color="yellow" title="Saved, but it does not answer as expected" role="alert">
          {problems.map((problem) => <div key={problem}>{problem}</div>)}
          <Button variant="subtle" mt="xs" px={0} onClick={() => onDone(added)}>Continue all the same</Button>
        </Alert>
      )}
      <Radio.Group value={isReal ? "real" : "mock"} onChange={(next) => { setIsReal(next === "real"); setProblems([]); }} aria-label="Provider">
        <Stack gap={8}>
          <Radio value="mock" label={<>Mock <span className="muted">answers by itself, without a key and without cost</span></>} />
          <Radio value="real" label={<>A provider <span className="muted">{all.length > 0 ? `one of ${all.length - 1} types, or any server with one of these APIs` : "with your key"}</span></>} />
        </Stack>
      </Radio.Group>
      {isReal && <Select label="Type" data={all.filter((one) => !one.served_here).map((one) => ({ value: one.name, label: one.title }))} value={chosen} onChange={(next) => { if (next) setChosen(next); setProblems([]); }} searchable allowDeselect={false} error={types.error ? "The types could not be loaded" : undefined} />}
      {isReal && type && <Fields key={type.name} type={type} />}
    </Step>
  );
}

function Fields({ type }: { type: ProviderType }) {
  return (
    <>
      {type.needs_address && <TextInput name="name" label="Name" description="What callers write before the slash of a model." defaultValue={type.needs_dialect ? "" : type.name} placeholder="my-server" required withAsterisk={false} autoComplete="off" spellCheck={false} />}
      {type.needs_address && <TextInput name="base_url" label="Address" description="With its version segment." placeholder={type.fields.find((one) => one.path === "base_url")?.example ?? "http://127.0.0.1:8000/v1"} required withAsterisk={false} spellCheck={false} />}
      {type.needs_address && <Checkbox name="is_near" label="It is on this machine or in a private network" description="Without this, Asbru sends calls to public addresses only." />}
      {type.needs_dialect && <Select name="dialect" label="Wire format" description="The API that it speaks." data={type.dialects} defaultValue={type.dialects[0] ?? null} allowDeselect={false} />}
      <PasswordInput name="key" label="API key" description={type.needs_key ? "Stored sealed; it cannot be read again." : "Stored sealed; empty if it needs none."} required={type.needs_key} withAsterisk={false} autoComplete="off" />
    </>
  );
}

function bodyOf(type: ProviderType, form: FormData): { name: string } & Record<string, unknown> {
  const said = (name: string) => String(form.get(name) ?? "").trim();
  const name = said("name") || type.name;
  const near = form.get("is_near") !== null;
  return {
    name,
    ...(name === type.name ? {} : { type: type.name }),
    ...(type.needs_address ? { base_url: said("base_url"), allow_loopback: near, allow_private: near } : {}),
    ...(type.needs_dialect ? { dialect: said("dialect") } : {}),
    ...(said("key") ? { keys: [{ name: "main", value: said("key") }] } : {}),
  };
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
