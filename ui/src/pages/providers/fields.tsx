// The form of a provider: what one has to know of it first, how it is reached after that.

import type { ProviderType } from "@/kit/provider-types";
import type { Field } from "@/kit/schema-form";
import { SecretInput } from "@/kit/secret-input";

const seconds = (name: string, label: string): Field => ({ name, label, unit: "s" });

export function fields(isNew: boolean, types: readonly ProviderType[]): Field[] {
  const own = types.filter((one) => !one.needs_address && !one.served_here).map((one) => one.name);
  const dialects = [...new Set(types.flatMap((one) => one.dialects))].sort();
  return [
    { name: "name", label: "Name", readOnly: !isNew, placeholder: "openai", help: isNew ? `What callers write before the slash of a model. It cannot be changed.${own.length ? ` These need a key only: ${own.join(", ")}.` : ""}` : undefined },
    { name: "type", label: "Type", options: types.map((one) => ({ value: one.name, label: one.title })), placeholder: "that of its name, or custom", help: "Which provider it is, if its name does not say so." },
    { name: "base_url", label: "Address", placeholder: "that of the type", help: `API root with its version segment, such as http://10.0.0.7:8000/v1. ${needing(types)}` },
    { name: "dialect", label: "Wire format", options: dialects, placeholder: "that of the type", help: "The API that it speaks." },
    {
      name: "keys",
      label: "Keys",
      help: "No credential is sent.",
      begin: { name: "main", value: "", models: ["*"], weight: 1 },
      inner: [
        { name: "name", label: "Name" },
        { name: "weight", label: "Weight" },
        { name: "value", render: (value, onChange, error) => <SecretInput key="value" label="API key" value={value} onChange={onChange} error={error} /> },
        { name: "models", label: "Models" },
      ],
    },
  ];
}

export const MORE: readonly Field[] = [
  { name: "proxy", render: (value, onChange, error) => <SecretInput key="proxy" label="Proxy" value={value} onChange={(next) => onChange(next === "" ? null : next)} error={error} help="http://host:port, optionally with user:password@." placeholder="none" /> },
  { name: "allow_private", label: "May be at a private address" },
  { name: "allow_loopback", label: "May be at a loopback address" },
  { name: "connections_max", label: "Connections, at most", help: "Of each worker." },
  { name: "deadlines", label: "Time limits of an attempt", inner: [seconds("connect_s", "Connect"), seconds("first_token_s", "First token"), seconds("idle_s", "Idle"), seconds("total_s", "In all")] },
  { name: "retries", label: "Retries with the same key", inner: [{ name: "max", label: "At most" }, seconds("pause_initial_s", "First pause"), seconds("pause_max_s", "Longest pause")] },
];

/** Which types have no address of their own. */
function needing(types: readonly ProviderType[]): string {
  const found = types.filter((one) => one.needs_address).map((one) => one.name);
  return found.length ? `Required for ${found.join(", ")}.` : "";
}
