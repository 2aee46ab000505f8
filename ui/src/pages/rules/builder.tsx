// A condition as rows to choose from, or as text. The text is what is stored; rows are read from it and written to it.

import { ActionIcon, Button, Group as Row, SegmentedControl, Select, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { Icon } from "@/kit/icons";
import { emptyRow, FIELDS, type Group, type Item, kindOf, OPS, type Op, read, type Row as Condition, withField, write } from "./cel";
import classes from "./rules.module.css";

const MONO = { input: { fontFamily: "var(--mantine-font-family-monospace)" } };

interface Props {
  value: string;
  onChange: (value: string) => void;
  error: string | undefined;
}

export function ConditionBuilder({ value, onChange, error }: Props) {
  const [mode, setMode] = useState<"rows" | "text">("rows");
  // What is being edited: a row that is not filled in yet has no text of its own to be read from.
  const [draft, setDraft] = useState<{ group: Group; text: string }>(() => ({ group: read(value), text: value }));
  const group = draft.text === value ? draft.group : read(value);
  const change = (next: Group) => {
    const text = write(next);
    setDraft({ group: next, text });
    onChange(text);
  };
  return (
    <fieldset className={classes.condition}>
      <Row justify="space-between" component="div">
        <legend>Condition</legend>
        <SegmentedControl size="xs" aria-label="Edit the condition as" data={[{ value: "rows", label: "Rows" }, { value: "text", label: "Text" }]} value={mode} onChange={(next) => setMode(next as typeof mode)} />
      </Row>
      {mode === "text" ? (
        <Textarea aria-label="Condition in CEL" description="In CEL. Empty: the rule is for all calls of its scope." autosize minRows={3} maxRows={10} spellCheck={false} styles={MONO} value={value} onChange={(event) => onChange(event.currentTarget.value)} error={error} placeholder='model.startsWith("gpt-4") && budget_used > 80.0' />
      ) : (
        <>
          {group.items.length === 0 && <span className="muted">No condition: the rule is for all calls of its scope.</span>}
          <GroupRows group={group} onChange={change} depth={0} name="" />
          {value && <pre className={classes.written} aria-label="The condition in CEL" tabIndex={0}>{value}</pre>}
          {error && <span role="alert" className={classes.flaw}>{error}</span>}
        </>
      )}
    </fieldset>
  );
}

function GroupRows({ group, onChange, depth, name }: { group: Group; onChange: (group: Group) => void; depth: number; name: string }) {
  const put = (at: number, item: Item | null) => onChange({ ...group, items: group.items.flatMap((one, index) => (index === at ? (item ? [item] : []) : [one])) });
  const add = (item: Item) => onChange({ ...group, items: [...group.items, item] });
  return (
    <div className={classes.group} data-depth={depth}>
      {group.items.length > 1 && (
        <SegmentedControl size="xs" style={{ alignSelf: "flex-start" }} aria-label={`Conditions${name} hold`} data={[{ value: "all", label: "All of these" }, { value: "any", label: "Any of these" }]} value={group.all ? "all" : "any"} onChange={(next) => onChange({ ...group, all: next === "all" })} />
      )}
      {group.items.map((item, index) => {
        const at = `${name} ${index + 1}`;
        return (
          <div key={index} className={classes.line}>
            {item.kind === "row" && <ConditionRow row={item} onChange={(next) => put(index, next)} name={at} />}
            {item.kind === "text" && <TextInput size="xs" aria-label={`Condition${at}, as text`} style={{ flex: 1 }} styles={MONO} value={item.text} onChange={(event) => put(index, { kind: "text", text: event.currentTarget.value })} />}
            {item.kind === "group" && <GroupRows group={item} onChange={(next) => put(index, next.items.length > 0 ? next : null)} depth={depth + 1} name={at} />}
            <ActionIcon aria-label={`Remove condition${at}`} onClick={() => put(index, null)}><Icon name="close" size={14} /></ActionIcon>
          </div>
        );
      })}
      <Row gap="xs">
        <Button variant="default" leftSection={<Icon name="plus" size={14} />} onClick={() => add(emptyRow())}>{depth === 0 ? "Add condition" : "Add"}</Button>
        {depth === 0 && group.items.length > 0 && <Button variant="subtle" color="gray" onClick={() => add({ kind: "group", all: !group.all, items: [emptyRow(), emptyRow()] })}>Add group</Button>}
      </Row>
    </div>
  );
}

function ConditionRow({ row, onChange, name }: { row: Condition; onChange: (row: Condition) => void; name: string }) {
  const kind = kindOf(row.field);
  const type = kind?.type ?? "text";
  const noValue = row.op === "present" || row.op === "absent";
  const withName = (text: string) => onChange({ ...row, name: row.field === "tags" ? text.trim() : text.trim().toLowerCase() });
  return (
    <div className={classes.row}>
      <Select size="xs" aria-label={`Field${name}`} data={FIELDS.map((one) => ({ value: one.id, label: one.label }))} value={row.field} onChange={(field) => field && onChange(withField(row, field))} allowDeselect={false} maxDropdownHeight={340} />
      {type === "map" && <TextInput size="xs" aria-label={`Name${name}`} placeholder={row.field === "headers" ? "user-agent" : "name"} value={row.name} onChange={(event) => withName(event.currentTarget.value)} styles={MONO} />}
      <Select size="xs" aria-label={`Operator${name}`} data={[...OPS[type]]} value={row.op} onChange={(op) => op && onChange({ ...row, op: op as Op })} allowDeselect={false} />
      {!noValue && (row.op === "in"
        ? <Textarea size="xs" aria-label={`Values${name}`} placeholder="one per line" autosize minRows={2} maxRows={8} styles={MONO} value={row.value} onChange={(event) => onChange({ ...row, value: event.currentTarget.value })} />
        : kind?.values && (row.op === "==" || row.op === "!=")
          ? <Select size="xs" aria-label={`Value${name}`} data={kind.values.includes(row.value) || !row.value ? [...kind.values] : [...kind.values, row.value]} value={row.value || null} onChange={(value) => onChange({ ...row, value: value ?? "" })} allowDeselect={false} />
          : <TextInput size="xs" aria-label={`Value${name}`} placeholder={row.field === "model" ? "without its provider" : undefined} inputMode={type === "percent" ? "decimal" : "text"} rightSection={type === "percent" ? <span className="muted">%</span> : undefined} styles={MONO} value={row.value} onChange={(event) => onChange({ ...row, value: type === "percent" ? event.currentTarget.value.replace(/[^0-9.]/g, "") : event.currentTarget.value })} />)}
    </div>
  );
}
