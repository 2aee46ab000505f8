// Makes or edits one object in a sheet: the form of its schema, the same as JSON to edit and as YAML to copy, errors at
// the fields, and what to do when somebody else has changed it meanwhile.

import { Alert, Button, Drawer, Group, Tabs, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useMemo, useState } from "react";
import { ApiError, wordsOf } from "./api";
import { CodeBlock } from "./code-block";
import { ConflictDialog } from "./conflict-dialog";
import { Confirm } from "./confirm";
import classes from "./kit.module.css";
import { openapiQuery } from "./openapi";
import { Problem } from "./problem";
import { flawOfRefusal, flaws, isObject, mergePatch, type Schemas, type Value } from "./schema";
import { type Field, missing, SchemaForm } from "./schema-form";
import type { Stored } from "./types";
import { toYaml } from "./yaml";

export interface ObjectSheetProps {
  opened: boolean;
  onClose: () => void;
  title: ReactNode;
  /** The component of the OpenAPI description: `Access`. */
  component: string;
  /** Given the object as it is in the form, where they depend on it. */
  fields: readonly Field[] | ((value: Value) => readonly Field[]);
  /** Fields that are folded away at first. */
  more?: readonly Field[];
  /** The object as it is; none for a new one. */
  object?: (Stored & object) | undefined;
  /** What a new one begins with. */
  begin?: Value;
  /** Only shown, not changed: the person may not, or the file declares it. */
  readOnly?: string | null;
  submit: string;
  onCreate?: (body: Value) => Promise<void>;
  /** `before`: the object that the patch is for. */
  onChange?: (patch: Value, version: number | undefined, before: Value) => Promise<void>;
  /** Reads the object anew, after a conflict. */
  reload?: () => Promise<Stored & object>;
  /** Above the form: how the object is at the moment. */
  head?: ReactNode;
  /** Below the form; given the object as it is in the form, saved or not. */
  children?: ReactNode | ((value: Value) => ReactNode);
}

export function ObjectSheet(props: ObjectSheetProps) {
  const [dirty, setDirty] = useState(false);
  const [asking, setAsking] = useState(false);
  const close = () => (dirty ? setAsking(true) : props.onClose());
  const schemas = useQuery({ ...openapiQuery, enabled: props.opened });
  return (
    <>
      <Drawer opened={props.opened} onClose={close} title={props.title} closeButtonProps={{ "aria-label": "Close" }}>
        {schemas.error && <Problem error={schemas.error} what="The form" retry={() => void schemas.refetch()} />}
        {schemas.data && <Sheet key={props.object?.id ?? ""} {...props} schemas={schemas.data} setDirty={setDirty} />}
      </Drawer>
      <Confirm
        question={asking ? { title: "Discard the changes?", words: "What you have entered is not saved.", action: "Discard", run: async () => { setDirty(false); props.onClose(); } } : null}
        onClose={() => setAsking(false)}
      />
    </>
  );
}

interface Conflict {
  theirs: Stored & object;
  yours: Value;
}

function Sheet({ component, fields: told, more = [], object, begin = {}, readOnly, submit, onCreate, onChange, reload, onClose, schemas, setDirty, head, children }: ObjectSheetProps & { schemas: Schemas; setDirty: (dirty: boolean) => void }) {
  const schema = schemas[component] ?? {};
  const names = useMemo(() => Object.keys(schema.properties ?? {}), [schema]);
  const [base, setBase] = useState(object);
  const before = useMemo(() => (base ? pick(base as unknown as Value, names) : begin), [base, names]);
  const [value, setValue] = useState<Value>(before);
  const [text, setText] = useState<string | null>(null);
  const [tab, setTab] = useState<string | null>("form");
  const [tried, setTried] = useState(false);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [refused, setRefused] = useState<{ message: string; at: Record<string, string> } | null>(null);
  const [busy, setBusy] = useState(false);
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const [unfolded, setUnfolded] = useState(() => Boolean(base) && more.some((field) => JSON.stringify(before[field.name]) !== JSON.stringify(schema.properties?.[field.name]?.default) && before[field.name] !== undefined && before[field.name] !== null));

  const fields = typeof told === "function" ? told(value) : told;
  const found = useMemo(() => ({ ...missing(fields, value), ...flaws(value, schema, schemas) }), [fields, value, schema, schemas]);
  const shownFlaws = tried ? found : Object.fromEntries(Object.entries(found).filter(([path]) => touched.has(path.split(".")[0]!)));
  const errors = { ...shownFlaws, ...refused?.at };
  const read = text === null ? null : readJson(text);

  const change = (next: Value) => {
    const changed = names.filter((name) => JSON.stringify(next[name]) !== JSON.stringify(value[name]));
    setTouched(new Set([...touched, ...changed]));
    setValue(next);
    setRefused(null);
    setDirty(JSON.stringify(next) !== JSON.stringify(before));
  };
  const edit = (next: string) => {
    setText(next);
    const parsed = readJson(next);
    if (isObject(parsed.value)) change(parsed.value);
  };

  const save = async (version: number | undefined, body: Value, from: Value) => {
    setBusy(true);
    setRefused(null);
    try {
      if (base && onChange) await onChange(mergePatch(from, body, names), version, from);
      else await onCreate?.(body);
      setDirty(false);
      onClose();
    } catch (error) {
      if (error instanceof ApiError && error.status === 412 && reload) setConflict({ theirs: await reload(), yours: body });
      else {
        const at = error instanceof ApiError ? flawOfRefusal(error.message, schema, body) : null;
        const head = at?.[0].split(".")[0];
        if (more.some((field) => field.name === head)) setUnfolded(true);
        setRefused({ message: wordsOf(error), at: at ? { [at[0]]: at[1] } : {} });
      }
    } finally {
      setBusy(false);
    }
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(found).length || read?.error) return;
    void save(base?.version, value, before);
  };

  return (
    <form onSubmit={onSubmit} noValidate>
      {head}
      {readOnly && <Alert color="gray" mb="md">{readOnly}</Alert>}
      <Tabs value={tab} onChange={(next) => { setText(next === "json" ? JSON.stringify(value, null, 2) : null); setTab(next); }} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="form">Form</Tabs.Tab>
          <Tabs.Tab value="json">JSON</Tabs.Tab>
          <Tabs.Tab value="yaml">YAML</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="form">
          <fieldset disabled={Boolean(readOnly)} style={{ all: "unset", display: "block" }}>
            <SchemaForm schema={schema} schemas={schemas} fields={fields} value={value} onChange={change} errors={errors} />
            {more.length > 0 && (
              <>
                <Button variant="subtle" px={0} my="md" aria-expanded={unfolded} onClick={() => setUnfolded(!unfolded)}>{unfolded ? "Fewer options" : "More options"}</Button>
                {unfolded && <SchemaForm schema={schema} schemas={schemas} fields={more} value={value} onChange={change} errors={errors} />}
              </>
            )}
          </fieldset>
          {typeof children === "function" ? children(value) : children}
        </Tabs.Panel>
        <Tabs.Panel value="json">
          <Textarea label="The object as JSON" description="As the management API takes it." autosize minRows={14} maxRows={30} readOnly={Boolean(readOnly)} spellCheck={false} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} value={text ?? ""} onChange={(event) => edit(event.currentTarget.value)} error={read?.error ?? firstOf(found)} />
        </Tabs.Panel>
        <Tabs.Panel value="yaml">
          <Yaml value={value} />
        </Tabs.Panel>
      </Tabs>
      {refused && !(tab === "form" && shows([...fields, ...more], value, refused.at)) && <Alert color="red" mt="md" role="alert">{refused.message}</Alert>}
      <div className={classes.foot}>
        <span role="status" className="muted">{tried && Object.keys(found).length ? "Some fields need a look." : ""}</span>
        <Group gap="xs">
          <Button variant="default" onClick={onClose}>{readOnly ? "Close" : "Cancel"}</Button>
          {!readOnly && <Button type="submit" loading={busy}>{submit}</Button>}
        </Group>
      </div>
      {conflict && (
        <ConflictDialog
          before={before}
          theirs={pick(conflict.theirs as unknown as Value, names)}
          yours={conflict.yours}
          onTheirs={() => {
            setBase(conflict.theirs);
            setValue(pick(conflict.theirs as unknown as Value, names));
            setDirty(false);
            setConflict(null);
          }}
          onYours={() => {
            const from = pick(conflict.theirs as unknown as Value, names);
            const version = conflict.theirs.version;
            const mine = { ...from, ...onlyChanged(before, conflict.yours, names) };
            setBase(conflict.theirs);
            setValue(mine);
            setConflict(null);
            void save(version, mine, from);
          }}
          onClose={() => setConflict(null)}
        />
      )}
    </form>
  );
}

function Yaml({ value }: { value: Value }) {
  const text = useMemo(() => toYaml(value).trim(), [value]);
  return <CodeBlock code={text} label="Copy as YAML" />;
}

function pick(value: Value, names: readonly string[]): Value {
  return Object.fromEntries(names.filter((name) => name in value).map((name) => [name, value[name]]));
}

function onlyChanged(before: Value, after: Value, names: readonly string[]): Value {
  return Object.fromEntries(names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name])).map((name) => [name, after[name]]));
}

/** Whether the form has a place for these errors. */
function shows(fields: readonly Field[], value: Value, at: Record<string, string>): boolean {
  return Object.keys(at).some((path) => fields.some((field) => field.name === path.split(".")[0] && !field.hidden?.(value)));
}

function readJson(text: string): { value?: unknown; error?: string } {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? { value } : { error: "Expected a JSON object" };
  } catch (error) {
    return { error: error instanceof Error ? error.message : "This is not JSON" };
  }
}

function firstOf(found: Record<string, string>): string | undefined {
  const [first] = Object.entries(found);
  return first ? `${first[0]}: ${first[1]}` : undefined;
}
