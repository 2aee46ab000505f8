// The checks of a rule: each a name, with settings as JSON where it takes any.

import { ActionIcon, Button, Input, Select, Textarea } from "@mantine/core";
import { useState } from "react";
import { Icon } from "@/kit/icons";
import classes from "./guardrails.module.css";
import { type Check, type CheckUse, nameOf, settingsOf, useOf } from "./rule";

interface Props {
  value: readonly CheckUse[];
  onChange: (value: CheckUse[]) => void;
  checks: readonly Check[];
  error?: string | undefined;
}

export function ChecksEditor({ value, onChange, checks, error }: Props) {
  const uses = value.length ? value : ["secrets"];
  const put = (index: number, use: CheckUse) => onChange(uses.map((one, at) => (at === index ? use : one)));
  return (
    <Input.Wrapper label="Checks" required error={error} description="Of findings that overlap, the one of the earlier check counts.">
      <div className={classes.checks}>
        {uses.map((use, index) => (
          <CheckRow
            key={index}
            number={index + 1}
            use={use}
            checks={checks}
            onChange={(next) => put(index, next)}
            onRemove={uses.length > 1 ? () => onChange(uses.filter((_, at) => at !== index)) : undefined}
          />
        ))}
        <Button variant="subtle" size="xs" style={{ alignSelf: "flex-start" }} leftSection={<Icon name="plus" size={12} />} onClick={() => onChange([...uses, "pii"])}>Add a check</Button>
      </div>
    </Input.Wrapper>
  );
}

interface RowProps {
  number: number;
  use: CheckUse;
  checks: readonly Check[];
  onChange: (use: CheckUse) => void;
  onRemove: (() => void) | undefined;
}

function CheckRow({ number, use, checks, onChange, onRemove }: RowProps) {
  const name = nameOf(use);
  const known = checks.find((one) => one.name === name);
  const written = JSON.stringify(settingsOf(use));
  const [draft, setDraft] = useState<string | null>(null);
  const flaw = draft === null ? undefined : flawOf(draft);
  const change = (text: string) => {
    setDraft(text);
    if (!flawOf(text)) onChange(useOf(name, text.trim() ? (JSON.parse(text) as Record<string, unknown>) : {}));
  };
  return (
    <div className={classes.check}>
      <div className={classes.line}>
        <Select
          aria-label={`Check ${number}`}
          data={checks.map((one) => one.name)}
          value={name}
          onChange={(next) => { setDraft(null); if (next) onChange(next); }}
          allowDeselect={false}
          style={{ flex: 1 }}
        />
        {onRemove && <ActionIcon aria-label={`Remove check ${number}`} onClick={onRemove}><Icon name="close" /></ActionIcon>}
      </div>
      {known && <p className="muted">{known.sentence}{known.credential ? ` Needs ${known.credential} in \`credentials\`.` : ""}</p>}
      <Textarea aria-label={`Settings of check ${number}`} placeholder="Settings as JSON; empty: the defaults" autosize minRows={1} maxRows={10} spellCheck={false} className="mono" value={draft ?? (written === "{}" ? "" : written)} onChange={(event) => change(event.currentTarget.value)} error={flaw} />
    </div>
  );
}

function flawOf(text: string): string | undefined {
  if (!text.trim()) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? undefined : "Expected a JSON object.";
  } catch {
    return "This is not JSON yet.";
  }
}
