import { Button, Divider, Menu, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { clock, zoneWords } from "./format";
import { Icon } from "./icons";
import { fixedRange, isRolling, RANGES, spanOf } from "./ranges";

/** Chooses a range as the URL has it: rolling (`24h`) or from one moment to another. */
export function RangePicker({ value, onChange }: { value: string; onChange: (range: string) => void }) {
  const [opened, setOpened] = useState(false);
  const span = spanOf(value, Date.now());
  const words = RANGES.find(([range]) => range === value)?.[1] ?? (isRolling(value) ? `Last ${value}` : `${clock(span.since_ms)} – ${clock(span.until_ms)}`);
  const choose = (range: string) => {
    setOpened(false);
    onChange(range);
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const since_ms = new Date(String(form.get("since"))).getTime();
    const until_ms = new Date(String(form.get("until"))).getTime();
    if (since_ms < until_ms) choose(fixedRange({ since_ms, until_ms }));
  };
  return (
    <Menu opened={opened} onChange={setOpened} width={260}>
      <Menu.Target>
        <Button variant="default" leftSection={<Icon name="clock" size={14} />} rightSection={<Icon name="down" size={12} />}>{words}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {RANGES.map(([range, label]) => (
          <Menu.Item key={range} onClick={() => choose(range)} rightSection={range === value ? <Icon name="check" size={14} /> : null}>{label}</Menu.Item>
        ))}
        <Divider my={4} />
        <form onSubmit={submit}>
          <Stack gap={8} p={8}>
            <span className="muted" style={{ fontSize: "var(--mantine-font-size-xs)" }}>Times are in {zoneWords()}.</span>
            <TextInput size="xs" type="datetime-local" name="since" label="From" defaultValue={local(span.since_ms)} required />
            <TextInput size="xs" type="datetime-local" name="until" label="To" defaultValue={local(span.until_ms)} required />
            <Button type="submit" variant="default">Use these times</Button>
          </Stack>
        </form>
      </Menu.Dropdown>
    </Menu>
  );
}

function local(at_ms: number): string {
  return new Date(at_ms - new Date(at_ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
