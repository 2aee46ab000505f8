import { Fieldset, NumberInput, SimpleGrid } from "@mantine/core";
import { isObject } from "@/kit/schema";
import { UNITS, withUnit } from "./price";

/** Prices of what is charged by the piece; empty: it is not. */
export function Units({ value, onChange, error }: { value: unknown; onChange: (value: unknown) => void; error: string | undefined }) {
  const units = (isObject(value) ? value : {}) as Record<string, number>;
  return (
    <Fieldset legend="By the piece">
      <SimpleGrid cols={{ base: 2, xs: 3 }} spacing="sm">
        {Object.entries(UNITS).map(([unit, words]) => (
          <NumberInput key={unit} label={words} prefix="$" allowNegative={false} hideControls value={units[unit] ?? ""} onChange={(next) => onChange(withUnit(units, unit, next === "" ? null : Number(next)))} />
        ))}
      </SimpleGrid>
      {error && <span role="alert" style={{ color: "var(--bad)" }}>{error}</span>}
    </Fieldset>
  );
}
