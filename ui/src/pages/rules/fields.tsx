// The form of a routing rule.

import { TagsInput } from "@mantine/core";
import type { Value } from "@/kit/schema";
import type { Field } from "@/kit/schema-form";
import { ConditionBuilder } from "./builder";

export function fields(providers: readonly string[], models: readonly string[], isNew: boolean): Field[] {
  return [
    { name: "name", label: "Name", readOnly: !isNew, help: isNew ? "Its name in records. It cannot be changed." : undefined, placeholder: "agents to groq" },
    { name: "scope", label: "Whose calls", readOnly: !isNew, help: "Rules of a key are evaluated before those of its team, those of a customer, and the global ones." },
    { name: "owner", label: "Owner", readOnly: !isNew, help: "Name of the key, team or customer.", hidden: isGlobal },
    { name: "when", render: (value, onChange, error) => <ConditionBuilder key="when" value={typeof value === "string" ? value : ""} onChange={onChange} error={error} /> },
    {
      name: "to",
      label: "Targets",
      help: "One of them is drawn for each call, by weight.",
      begin: { weight: 1 },
      inner: [
        { name: "provider", label: "Provider", options: providers, placeholder: "as asked for" },
        { name: "model", label: "Model", placeholder: "as asked for" },
        { name: "weight", label: "Weight" },
      ],
    },
    {
      name: "fallbacks",
      render: (value, onChange, error) => <TagsInput key="fallbacks" label="Fallbacks" description="Tried in this order if the target fails. None: those of the page Fallbacks." placeholder={(value as string[] | undefined)?.length ? undefined : "provider/model"} value={(value as string[] | undefined) ?? []} onChange={onChange} data={[...models]} error={error} splitChars={[",", " "]} acceptValueOnBlur limit={30} maxDropdownHeight={260} />,
    },
    { name: "priority", label: "Priority", help: "The rules of one owner are evaluated in this order, lowest first." },
  ];
}

/** Of no owner: the rule is for all calls. */
export function isGlobal(rule: Value): boolean {
  return (rule.scope ?? "global") === "global";
}

export const MORE: readonly Field[] = [
  { name: "enabled", label: "Enabled" },
  { name: "chain", label: "Evaluate the rules again afterwards", help: "With the new provider and model, at most 10 times." },
];
