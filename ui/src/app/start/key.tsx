// The third step: a virtual key, whose value the next step shows.

import { TextInput } from "@mantine/core";
import { post } from "@/kit/api";
import { type Made, Step, useStep } from "./step";

export function Key({ onDone }: { onDone: (made: Made) => void }) {
  const [busy, failed, run] = useStep();
  const submit = (form: FormData) =>
    run(async () => {
      const name = String(form.get("name"));
      onDone({ name, value: (await post<{ value: string }>("keys", { name })).value });
    });
  return (
    <Step title="Create a virtual key" words="Programs call the gateway with virtual keys. Budgets, limits and records are kept by key." onSubmit={submit} failed={failed} busy={busy} action="Create the key">
      <TextInput name="name" label="Name" defaultValue="first-key" required withAsterisk={false} autoFocus spellCheck={false} />
    </Step>
  );
}
