import { Button, Group, PasswordInput, TextInput } from "@mantine/core";
import { useState } from "react";

/** What stands in a secret's place when it is read. */
const MASK = "****";

interface Props {
  label: string;
  value: unknown;
  onChange: (value: string) => void;
  error?: string | undefined;
  help?: string | undefined;
  placeholder?: string | undefined;
}

/** A secret that can be written, not read: what is stored is shown masked, with a button to replace it. */
export function SecretInput({ label, value, onChange, error, help, placeholder }: Props) {
  const text = typeof value === "string" ? value : "";
  const [stored] = useState(text.startsWith(MASK) ? text : null);
  if (stored !== null && text === stored)
    return (
      <Group gap={6} wrap="nowrap" align="flex-end">
        <TextInput label={label} description={help} error={error} variant="filled" readOnly value={stored.replace(MASK, "••••••••")} style={{ flex: 1, minWidth: 0 }} />
        <Button size="sm" variant="default" px={8} aria-label={`Replace ${label.toLowerCase()}`} onClick={() => onChange("")}>Replace</Button>
      </Group>
    );
  return (
    <Group gap={6} wrap="nowrap" align="flex-end">
      <PasswordInput label={label} description={help} error={error} value={text} onChange={(event) => onChange(event.currentTarget.value)} placeholder={placeholder} autoComplete="new-password" autoFocus={stored !== null} style={{ flex: 1, minWidth: 0 }} visibilityToggleButtonProps={{ "aria-label": `Show ${label.toLowerCase()}` }} />
      {stored !== null && <Button size="sm" variant="subtle" px={8} onClick={() => onChange(stored)}>Keep</Button>}
    </Group>
  );
}
