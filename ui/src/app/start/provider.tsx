// The second step: a provider that answers, of any type, by the form of the Providers page; or the mock, which needs
// nothing.

import { Alert, Button, Checkbox, Radio, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError, get, patch, post } from "@/kit/api";
import { openapiQuery } from "@/kit/openapi";
import { begun, typeOf } from "@/kit/provider-begin";
import { providerFields } from "@/kit/provider-fields";
import { type ProviderType, providerTypesQuery } from "@/kit/provider-types";
import { flaws, type Value } from "@/kit/schema";
import { missing, SchemaForm } from "@/kit/schema-form";
import type { Stored } from "@/kit/types";
import { Step, useStep } from "./step";

const COMPONENT = "Provider";
const TYPE_FIRST = "openai";
const NONE: ProviderType[] = [];

/** `onDone`: the name of the provider. */
export function Provider({ onDone }: { onDone: (name: string) => void }) {
  const types = useQuery(providerTypesQuery);
  const schemas = useQuery(openapiQuery);
  const [isReal, setIsReal] = useState(false);
  const [value, setValue] = useState<Value | null>(null);
  const [tried, setTried] = useState(false);
  const [problems, setProblems] = useState<string[]>([]);
  const [added, setAdded] = useState("");
  const [busy, failed, run] = useStep();
  const all = types.data ?? NONE;
  const mock = all.find((one) => one.served_here);
  const real = all.filter((one) => !one.served_here);
  const shown = value ?? begun(real, { type: TYPE_FIRST });
  const schema = schemas.data?.[COMPONENT];
  const fields = providerFields(true, real, shown);
  const found = schema && schemas.data ? { ...missing(fields, shown), ...flaws(shown, schema, schemas.data) } : {};
  const change = (next: Value) => {
    setValue(next);
    setProblems([]);
  };
  const submit = () =>
    run(async () => {
      setProblems([]);
      setTried(isReal);
      if (isReal && Object.keys(found).length > 0) throw new Error("Some fields need a look.");
      const body = isReal ? filled(shown) : { name: mock?.name ?? "mock" };
      await save(body);
      setAdded(body.name);
      const tested = await post<{ ok: boolean; problems: string[] }>(`providers/${encodeURIComponent(body.name)}/test`);
      if (tested.ok) onDone(body.name);
      else setProblems(tested.problems);
    });
  return (
    <Step title="Add a provider" words="It is asked for its list of models to see that it answers. More can be added at any time." onSubmit={submit} failed={failed} busy={busy} action={isReal ? "Save and test" : "Use the mock"} ready={types.data !== undefined && (!isReal || schema !== undefined)}>
      {problems.length > 0 && (
        <Alert color="yellow" title="Saved, but it does not answer as expected" role="alert">
          {problems.map((problem) => <div key={problem}>{problem}</div>)}
          <Button variant="subtle" mt="xs" px={0} onClick={() => onDone(added)}>Continue all the same</Button>
        </Alert>
      )}
      <Radio.Group value={isReal ? "real" : "mock"} onChange={(next) => { setIsReal(next === "real"); setProblems([]); }} aria-label="Provider">
        <Stack gap={8}>
          <Radio value="mock" label={<>Mock <span className="muted">answers by itself, without a key and without cost</span></>} />
          <Radio value="real" label={<>A provider <span className="muted">{real.length > 0 ? `one of ${real.length} types, or any server with one of these APIs` : "with your key"}</span></>} />
        </Stack>
      </Radio.Group>
      {isReal && (types.error ?? schemas.error) && <Alert color="red" role="alert">The form could not be loaded.</Alert>}
      {isReal && !schema && !schemas.error && <p className="muted late" role="status">Loading the form…</p>}
      {isReal && schema && schemas.data && <SchemaForm schema={schema} schemas={schemas.data} fields={fields} value={shown} onChange={change} errors={tried ? found : {}} />}
      {isReal && typeOf(real, shown)?.needs_address && (
        <Checkbox
          label="It is on this machine or in a private network"
          description="Without this, Asbru sends calls to public addresses only."
          checked={shown.allow_loopback === true}
          onChange={(event) => change({ ...shown, allow_loopback: event.currentTarget.checked, allow_private: event.currentTarget.checked })}
        />
      )}
    </Step>
  );
}

/** What is sent: without a type that the name says, and without keys that were left empty. */
function filled(value: Value): { name: string } & Value {
  const { type, keys, ...rest } = value;
  const given = (Array.isArray(keys) ? (keys as Value[]) : []).filter((key) => key.value !== "");
  const name = String(value.name);
  return { ...rest, name, ...(type === name ? {} : { type }), ...(given.length > 0 ? { keys: given } : {}) };
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
