// A form made from a JSON schema of the API. The page says which fields, in which order, with which labels; what it does
// not say comes from the schema: kind of control, help, bounds, default.

import { Button, Fieldset, NumberInput, PasswordInput, Select, Switch, TagsInput, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import { switchWords } from "./format";
import { Icon } from "./icons";
import classes from "./kit.module.css";
import { isObject, resolve, type Schema, type Schemas, titleOf, type Value } from "./schema";

export interface Field {
  name: string;
  label?: string;
  help?: string;
  /** Of a list: said below its items. */
  note?: string;
  unit?: string;
  placeholder?: string;
  /** What may be chosen (of a list also what may be typed): names of teams, windows. */
  options?: readonly (string | { value: string; label: string })[];
  /** Fields of an object, or of the objects in a list. */
  inner?: readonly Field[];
  /** What an added item begins with. */
  begin?: unknown;
  readOnly?: boolean;
  /** It cannot be left empty, though the schema would allow it. */
  required?: boolean;
  /** What the object becomes after a change of this field. */
  follow?: (next: Value) => Value;
  /** Of no meaning for an object like this. */
  hidden?: (value: Value) => boolean;
  /** In place of the control that the schema would give. */
  render?: (value: unknown, onChange: (value: unknown) => void, error?: string) => ReactNode;
}

interface FormProps {
  schema: Schema;
  schemas: Schemas;
  fields: readonly Field[];
  value: Value;
  onChange: (value: Value) => void;
  errors: Record<string, string>;
  path?: string;
  compact?: boolean;
}

export function SchemaForm({ schema, schemas, fields, value, onChange, errors, path = "", compact = false }: FormProps) {
  const known = resolve(schema, schemas);
  return (
    <div className={compact ? classes.listFields : classes.fields}>
      {fields.map((field) => {
        const property = known.properties?.[field.name];
        if (!property || field.hidden?.(value)) return null;
        const at = path ? `${path}.${field.name}` : field.name;
        return (
          <Control
            key={field.name}
            field={field}
            schema={resolve(property, schemas)}
            schemas={schemas}
            value={value[field.name] ?? property.default}
            onChange={(next) => { const changed = { ...value, [field.name]: next }; onChange(field.follow?.(changed) ?? changed); }}
            errors={errors}
            path={at}
            required={field.required ?? known.required?.includes(field.name) ?? false}
            compact={compact}
          />
        );
      })}
    </div>
  );
}

interface ControlProps {
  field: Field;
  schema: Schema;
  schemas: Schemas;
  value: unknown;
  onChange: (value: unknown) => void;
  errors: Record<string, string>;
  path: string;
  required: boolean;
  compact: boolean;
}

function Control(props: ControlProps) {
  const { field, schema, value, onChange, errors, path, required, compact } = props;
  const label = field.label ?? titleOf(field.name);
  const error = errors[path] ?? (schema.type === "array" || schema.additionalProperties ? firstBelow(errors, path) : undefined);
  const help = compact ? undefined : plain(field.help ?? schema.description);
  const common = { label, description: help, error, withAsterisk: required && !field.readOnly, readOnly: field.readOnly, variant: field.readOnly ? "filled" : "default" };
  if (field.render) return field.render(value, onChange, error);
  if (schema.type === "array" && resolve(schema.items ?? {}, props.schemas).type === "object") return <ObjectList {...props} label={label} help={help} />;
  if (schema.type === "array")
    return <TagsInput {...common} value={(value as string[] | undefined) ?? []} onChange={onChange} data={choices(field.options ?? [], "")} placeholder={(value as string[] | undefined)?.length ? undefined : field.placeholder} splitChars={[",", " "]} acceptValueOnBlur clearable={!field.readOnly} />;
  if (schema.type === "object" && !schema.properties)
    return <TagsInput {...common} value={Object.entries(isObject(value) ? value : {}).map(([name, text]) => `${name}=${String(text)}`)} onChange={(pairs) => onChange(fromPairs(pairs))} placeholder={field.placeholder ?? "name=value"} acceptValueOnBlur />;
  if (schema.type === "object" && field.inner)
    return (
      <Fieldset legend={label} className={classes.group}>
        <SchemaForm schema={schema} schemas={props.schemas} fields={field.inner} value={isObject(value) ? value : {}} onChange={onChange} errors={errors} path={path} compact />
      </Fieldset>
    );
  if (schema.type === "boolean") return <Switch label={label} description={help && switchWords(help)} checked={value === true} disabled={field.readOnly} onChange={(event) => onChange(event.currentTarget.checked)} />;
  if (schema.enum) return <Select {...common} data={schema.enum.map((one) => ({ value: String(one), label: titleOf(String(one)) }))} value={value === null || value === undefined ? null : String(value)} onChange={onChange} allowDeselect={schema.nullable ?? false} clearable={schema.nullable ?? false} />;
  if (schema.type === "integer" || schema.type === "number")
    return (
      <NumberInput
        {...common}
        value={typeof value === "number" ? value : ""}
        onChange={(next) => onChange(next === "" ? (schema.nullable ? null : undefined) : Number(next))}
        thousandSeparator=","
        allowDecimal={schema.type === "number"}
        allowNegative={false}
        placeholder={field.placeholder}
        prefix={field.unit === "$" ? "$" : undefined}
        rightSection={field.unit && field.unit !== "$" ? <span className="muted">{field.unit}</span> : undefined}
        rightSectionWidth={field.unit && field.unit !== "$" ? Math.max(36, field.unit.length * 8 + 16) : undefined}
      />
    );
  const text = typeof value === "string" ? value : "";
  const onText = (next: string) => onChange(next === "" && schema.nullable ? null : next);
  if (field.options)
    return <Select {...common} data={choices(field.options, text)} value={text || null} onChange={(next) => onChange(next)} searchable={field.options.length > 8} clearable={(schema.nullable ?? false) && !field.readOnly} allowDeselect={schema.nullable ?? false} placeholder={field.placeholder} nothingFoundMessage="Nothing found" />;
  if (schema.format === "password") return <PasswordInput {...common} value={text} onChange={(event) => onText(event.currentTarget.value)} placeholder={field.placeholder} autoComplete="new-password" />;
  return <TextInput {...common} value={text} onChange={(event) => onText(event.currentTarget.value)} placeholder={field.placeholder} autoComplete="off" spellCheck={false} />;
}

function ObjectList({ field, schema, schemas, value, onChange, errors, path, label, help }: ControlProps & { label: string; help: string | undefined }) {
  const items = (Array.isArray(value) ? value : []) as Value[];
  const one = label.toLowerCase().replace(/s$/, "");
  const put = (index: number, next: Value | null) => onChange(items.flatMap((item, at) => (at === index ? (next ? [next] : []) : [item])));
  return (
    <Fieldset legend={label} className={classes.group} disabled={field.readOnly}>
      {items.length === 0 && help && <span className="muted">{help}</span>}
      {items.map((item, index) => (
        <div key={index} className={classes.listItem}>
          <SchemaForm schema={schema.items ?? {}} schemas={schemas} fields={field.inner ?? []} value={item} onChange={(next) => put(index, next)} errors={errors} path={`${path}.${index}`} compact />
          <Button variant="subtle" color="gray" px={6} mt={22} aria-label={`Remove ${one} ${index + 1}`} onClick={() => put(index, null)}><Icon name="trash" /></Button>
        </div>
      ))}
      {items.length > 0 && field.note && <span className="muted" style={{ fontSize: "var(--mantine-font-size-xs)" }}>{field.note}</span>}
      {errors[path] && <span role="alert" style={{ color: "var(--bad)" }}>{errors[path]}</span>}
      <div>
        <Button variant="default" leftSection={<Icon name="plus" size={14} />} onClick={() => onChange([...items, field.begin ?? {}])}>Add {one}</Button>
      </div>
    </Fieldset>
  );
}

/** The fields that cannot be left empty and are, by path (`keys.0.value`). */
export function missing(fields: readonly Field[], value: Value, path = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const field of fields) {
    const at = path ? `${path}.${field.name}` : field.name;
    const inner = value[field.name];
    if (field.required && (inner === undefined || inner === null || inner === "")) found[at] = "Required";
    if (field.inner && Array.isArray(inner)) (inner as Value[]).forEach((item, index) => Object.assign(found, missing(field.inner!, item, `${at}.${index}`)));
  }
  return found;
}

/** The options, and the value as it is, should it be none of them. */
function choices(options: NonNullable<Field["options"]>, text: string): { value: string; label: string }[] {
  const known = options.map((one) => (typeof one === "string" ? { value: one, label: one } : one));
  return text && !known.some((one) => one.value === text) ? [...known, { value: text, label: text }] : known;
}

function fromPairs(pairs: readonly string[]): Value {
  return Object.fromEntries(pairs.map((pair) => {
    const [name, ...rest] = pair.split("=");
    return [name!.trim(), rest.join("=").trim()];
  }));
}

function firstBelow(errors: Record<string, string>, path: string): string | undefined {
  const found = Object.keys(errors).find((one) => one.startsWith(`${path}.`));
  return found ? errors[found] : undefined;
}

/** Descriptions mark code with backticks, which a form shows without. */
function plain(text: string | undefined): string | undefined {
  return text?.replaceAll("`", "");
}
