// The form of a provider: what one has to know of it first, how it is reached after that.

import type { Field } from "@/kit/schema-form";
import { SecretInput } from "@/kit/secret-input";

const seconds = (name: string, label: string): Field => ({ name, label, unit: "s" });

export function fields(isNew: boolean): Field[] {
  return [
    { name: "name", label: "Name", readOnly: !isNew, placeholder: "openai", help: isNew ? "openai, anthropic and groq only need a key; any other name needs an address and a wire format. It cannot be changed." : undefined },
    { name: "base_url", label: "Address", placeholder: "that of the type", help: "API root with its version segment, such as http://10.0.0.7:8000/v1." },
    { name: "dialect", label: "Wire format", options: ["openai", "anthropic"], placeholder: "that of the type", help: "The API that it speaks." },
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
  { name: "type", label: "Type", placeholder: "its name, or custom", help: "Which provider it is, if its name does not say so: openai, anthropic, groq, custom." },
  { name: "proxy", render: (value, onChange, error) => <SecretInput key="proxy" label="Proxy" value={value} onChange={(next) => onChange(next === "" ? null : next)} error={error} help="http://host:port, optionally with user:password@." placeholder="none" /> },
  { name: "allow_private", label: "May be at a private address" },
  { name: "allow_loopback", label: "May be at a loopback address" },
  { name: "connections_max", label: "Connections, at most", help: "Of each worker." },
  { name: "deadlines", label: "Time limits of an attempt", inner: [seconds("connect_s", "Connect"), seconds("first_token_s", "First token"), seconds("idle_s", "Idle"), seconds("total_s", "In all")] },
  { name: "retries", label: "Retries with the same key", inner: [{ name: "max", label: "At most" }, seconds("pause_initial_s", "First pause"), seconds("pause_max_s", "Longest pause")] },
];
