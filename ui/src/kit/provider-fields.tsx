// The form of a provider: its type first, then what has to be said of a provider of that type, as the API describes it.

import { begun, typeOf } from "./provider-begin";
import type { ProviderType, TypeField } from "./provider-types";
import type { Value } from "./schema";
import type { Field } from "./schema-form";
import { SecretInput } from "./secret-input";

const IN_KEY = "keys.0.";
const seconds = (name: string, label: string): Field => ({ name, label, unit: "s" });

export function providerFields(isNew: boolean, types: readonly ProviderType[], value: Value): Field[] {
  const chosen = typeOf(types, value);
  const type: Field = {
    name: "type",
    label: "Type",
    options: types.map((one) => ({ value: one.name, label: one.title })),
    placeholder: isNew ? "which provider it is" : "that of its name, or custom",
    help: isNew ? "The form asks for what providers of the type need." : "Which provider it is, if its name does not say so.",
    follow: isNew ? (next) => begun(types, next) : undefined,
  };
  if (isNew && !chosen && types.length) return [type];
  const told = chosen?.fields ?? [];
  const own = told.filter((one) => !one.advanced && !one.path.startsWith(IN_KEY) && one.path !== "name").map(ownField);
  const name: Field = { name: "name", label: "Name", readOnly: !isNew, help: isNew ? "What callers write before the slash of a model. It cannot be changed." : undefined };
  const inKey = told.filter((one) => one.path.startsWith(IN_KEY));
  // A type that is not known any more: everything that a provider may have.
  const unknown: Field[] = chosen ? [] : [{ name: "base_url", label: "Base URL" }, { name: "dialect", label: "Dialect" }];
  const keys: Field = { name: "keys", label: "Keys", help: "No credential is sent.", note: keyWords(inKey, chosen), begin: { name: "main", value: "", models: ["*"], weight: 1 }, inner: keyFields(inKey) };
  return [...(isNew ? [type, name] : [name, type]), ...own, ...unknown, ...(chosen?.served_here ? [] : [keys])];
}

function ownField(told: TypeField): Field {
  const usual = typeof told.default === "string" ? told.default : undefined;
  return {
    name: told.path,
    label: told.title,
    help: [told.help, told.example ? `Such as ${told.example}` : ""].filter(Boolean).join(" "),
    placeholder: usual ?? told.example ?? undefined,
    options: told.form.enum,
    required: told.required,
  };
}

/** What a key of the type may be. */
function keyWords(told: readonly TypeField[], type: ProviderType | undefined): string {
  const value = told.find((one) => one.secret);
  return [
    value?.one_of.length ? `A key is ${value.one_of.join(", or ")}.` : "",
    value?.env ? `Often in ${value.env}.` : "",
    type?.access[0] && value?.one_of.length ? `Sent as ${type.access[0].sent_as.replaceAll("`", "")}.` : "",
  ].filter(Boolean).join(" ");
}

function keyFields(told: readonly TypeField[]): Field[] {
  const value = told.find((one) => one.secret);
  return [
    { name: "name", label: "Name" },
    { name: "weight", label: "Weight" },
    { name: "value", required: value?.required, render: (text, onChange, error) => <SecretInput key="value" label="API key" value={text} onChange={onChange} error={error} /> },
    { name: "models", label: "Models" },
    ...(told.some((one) => one.path === `${IN_KEY}aliases`) ? [{ name: "aliases", label: "Aliases", placeholder: "model=its name there" }] : []),
  ];
}

export const PROVIDER_MORE: readonly Field[] = [
  { name: "proxy", render: (value, onChange, error) => <SecretInput key="proxy" label="Proxy" value={value} onChange={(next) => onChange(next === "" ? null : next)} error={error} help="http://host:port, optionally with user:password@." placeholder="none" /> },
  { name: "allow_private", label: "May be at a private address" },
  { name: "allow_loopback", label: "May be at a loopback address" },
  { name: "connections_max", label: "Connections, at most", help: "Of each worker." },
  { name: "deadlines", label: "Time limits of an attempt", inner: [seconds("connect_s", "Connect"), seconds("first_token_s", "First token"), seconds("idle_s", "Idle"), seconds("total_s", "In all")] },
  { name: "retries", label: "Retries with the same key", inner: [{ name: "max", label: "At most" }, seconds("pause_initial_s", "First pause"), seconds("pause_max_s", "Longest pause")] },
];
