// The form of a guardrail rule.

import type { Value } from "@/kit/schema";
import type { Field } from "@/kit/schema-form";
import { ChecksEditor } from "./checks";
import { type Check, type CheckUse, PLACES } from "./rule";

export function fields(checks: readonly Check[], isNew: boolean): Field[] {
  return [
    { name: "name", label: "Name", readOnly: !isNew, ...(isNew ? { help: "Its name in refusals, records and metrics. It cannot be changed." } : {}), placeholder: "no-secrets" },
    { name: "checks", render: (value, onChange, error) => <ChecksEditor key="checks" value={(value as CheckUse[] | undefined) ?? []} onChange={onChange} checks={checks} error={error} /> },
    { name: "places", label: "Where", options: PLACES },
    { name: "action", label: "Action" },
    { name: "with", label: "Replace with", hidden: (value: Value) => value["action"] !== "redact" },
    { name: "when", label: "Condition", help: "In CEL, such as team_name == \"research\". Empty: always.", placeholder: "always" },
  ];
}

export const MORE: readonly Field[] = [
  { name: "enabled", label: "Enabled" },
  { name: "hold", label: "Hold streams until a part is complete" },
  { name: "on_error", label: "If a check fails" },
  { name: "unchecked", label: "Calls that cannot be checked" },
  { name: "sample_ratio", label: "Share of calls that are checked" },
  { name: "timeout_ms", label: "Time for checks that ask elsewhere", unit: "ms" },
];
