// The control of one setting: a switch or a choice is saved at once, a number when one says so.

import { Button, Group, NumberInput, Select, Switch } from "@mantine/core";
import { useState } from "react";
import classes from "./settings.module.css";
import { flawOf, labelOf, type Setting, type SettingValue, valueWords } from "./setting";

interface Props {
  one: Setting;
  readOnly: boolean;
  onSave: (value: SettingValue) => Promise<void>;
}

export function Control({ one, readOnly, onSave }: Props) {
  const label = labelOf(one.path);
  if (one.form.type === "boolean" && one.value !== null)
    return <Switch aria-label={label} label={one.value ? "on" : "off"} checked={one.value === true} disabled={readOnly} onChange={(event) => void onSave(event.currentTarget.checked)} />;
  if (one.form.type === "boolean" || one.form.enum) {
    const choices = one.form.enum ?? ["true", "false"];
    const data = choices.map((value) => ({ value, label: one.form.enum ? value : value === "true" ? "on" : "off" }));
    const save = (value: string | null) => value !== null && void onSave(one.form.enum ? value : value === "true");
    return <Select size="xs" aria-label={label} data={data} value={one.value === null ? null : String(one.value)} placeholder="not set" allowDeselect={false} disabled={readOnly} onChange={save} />;
  }
  return <NumberControl key={String(one.value)} one={one} readOnly={readOnly} onSave={onSave} />;
}

function NumberControl({ one, readOnly, onSave }: Props) {
  const was = typeof one.value === "number" ? one.value : null;
  const [value, setValue] = useState(was);
  const [busy, setBusy] = useState(false);
  const changed = value !== was;
  const flaw = changed ? flawOf(value, one) : null;
  const save = async () => {
    if (!changed || flaw) return;
    setBusy(true);
    await onSave(value);
    setBusy(false);
  };
  const words = value === null ? "" : valueWords(value, one.unit);
  const plain = words.replaceAll(",", "");
  const isSaid = words !== "" && plain !== `${value} ${one.unit}` && plain !== `${value} s` && plain !== String(value);
  return (
    <form onSubmit={(event) => { event.preventDefault(); void save(); }}>
      <NumberInput
        size="xs"
        aria-label={labelOf(one.path)}
        description={isSaid && !flaw ? words : undefined}
        inputWrapperOrder={["label", "input", "description", "error"]}
        value={value ?? ""}
        onChange={(next) => setValue(next === "" ? null : Number(next))}
        thousandSeparator=","
        allowDecimal={one.form.type !== "integer"}
        allowNegative={false}
        disabled={readOnly}
        error={flaw}
        placeholder="not set"
        rightSection={one.unit ? <span className={classes.unit}>{one.unit.split(",")[0]}</span> : undefined}
        rightSectionWidth={one.unit ? one.unit.split(",")[0]!.length * 7 + 18 : undefined}
        onKeyDown={(event) => { if (event.key === "Escape") setValue(was); }}
      />
      {changed && (
        <Group gap={6} mt={6}>
          <Button type="submit" loading={busy} disabled={flaw !== null}>Save</Button>
          <Button variant="default" onClick={() => setValue(was)}>Cancel</Button>
        </Group>
      )}
    </form>
  );
}
