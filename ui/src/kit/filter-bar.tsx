// Filters as chips: what is asked for, each with a cross; and a small form to add one. The filters live in the URL.

import { ActionIcon, Autocomplete, Button, Group, Popover, Select, Stack } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Icon } from "./icons";
import classes from "./kit.module.css";

export interface Filter {
  name: string;
  label: string;
  /** What may be chosen, or (`strict` false) what is offered while one types. */
  options?: readonly (string | { value: string; label: string })[];
  strict?: boolean;
  placeholder?: string;
  /** What was typed, as the URL has it; null if it makes no sense. */
  read?: (text: string) => string | null;
  /** What the URL has, in words. */
  show?: (value: string) => string;
}

interface Props {
  filters: readonly Filter[];
  values: Record<string, string | undefined>;
  onChange: (name: string, value: string | undefined) => void;
}

export function FilterBar({ filters, values, onChange }: Props) {
  const given = filters.filter((filter) => values[filter.name]);
  return (
    <Group gap={6}>
      {given.map((filter) => (
        <span key={filter.name} className={classes.chip}>
          <span className="muted">{filter.label}</span>
          <strong className="clip">{labelOf(filter, values[filter.name]!)}</strong>
          <ActionIcon size="xs" aria-label={`Remove the filter ${filter.label}`} onClick={() => onChange(filter.name, undefined)}><Icon name="close" size={12} /></ActionIcon>
        </span>
      ))}
      <AddFilter filters={filters} onAdd={onChange} />
      {given.length > 1 && <Button variant="subtle" color="gray" onClick={() => given.forEach((filter) => onChange(filter.name, undefined))}>Clear</Button>}
    </Group>
  );
}

function AddFilter({ filters, onAdd }: { filters: readonly Filter[]; onAdd: (name: string, value: string) => void }) {
  const [opened, setOpened] = useState(false);
  const [name, setName] = useState(filters[0]!.name);
  const [value, setValue] = useState("");
  const filter = filters.find((one) => one.name === name) ?? filters[0]!;
  const [failed, setFailed] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const read = filter.read ? filter.read(value.trim()) : value.trim();
    setFailed(read === null);
    if (!read) return;
    onAdd(name, read);
    setValue("");
    setOpened(false);
  };
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" shadow="md" trapFocus width={260}>
      <Popover.Target>
        <Button variant="default" leftSection={<Icon name="filter" size={14} />} onClick={() => setOpened(!opened)}>Filter</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form onSubmit={submit}>
          <Stack gap="xs">
            <Select size="xs" label="Field" data={filters.map((one) => ({ value: one.name, label: one.label }))} value={name} onChange={(next) => { setName(next!); setValue(""); }} allowDeselect={false} comboboxProps={{ withinPortal: false }} />
            {filter.strict ? (
              <Select size="xs" label="Is" data={[...(filter.options ?? [])]} value={value || null} onChange={(next) => setValue(next ?? "")} comboboxProps={{ withinPortal: false }} />
            ) : (
              <Autocomplete size="xs" label="Is" placeholder={filter.placeholder} data={(filter.options ?? []).map((one) => (typeof one === "string" ? one : one.value))} value={value} onChange={setValue} error={failed ? `Expected ${filter.placeholder}` : undefined} comboboxProps={{ withinPortal: false }} />
            )}
            <Button type="submit" disabled={!value.trim()}>Add filter</Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

function labelOf(filter: Filter, value: string): string {
  if (filter.show) return filter.show(value);
  const found = filter.options?.find((one) => typeof one !== "string" && one.value === value);
  return typeof found === "object" ? found.label : value;
}
