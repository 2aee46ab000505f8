// Which type a provider in the form has, and what one of a type begins with. It draws nothing.

import type { ProviderType } from "./provider-types";
import type { Value } from "./schema";

/** The type of a provider: that which it names, or that of its name. */
export function typeOf(types: readonly ProviderType[], value: Value): ProviderType | undefined {
  return types.find((one) => one.name === (value.type ?? value.name));
}

/** A provider that has just got its type: its name, one key where it needs one, and nothing of what another type asked. */
export function begun(types: readonly ProviderType[], value: Value): Value {
  const type = types.find((one) => one.name === value.type);
  if (!type) return value;
  const usual = (path: string) => type.fields.find((one) => one.path === path)?.default;
  const named = typeof value.name === "string" && value.name !== "" && !types.some((one) => one.name === value.name);
  const key = { name: usual("keys.0.name") ?? "main", value: "", models: ["*"], weight: 1 };
  return {
    name: named ? value.name : (usual("name") ?? type.name),
    type: type.name,
    ...(type.needs_dialect ? { dialect: type.dialects[0] } : {}),
    keys: type.needs_key ? [key] : [],
  };
}
