// How often rules acted, over time: the rules that acted most, each a series.

import { useQuery } from "@tanstack/react-query";
import { get } from "@/kit/api";
import { Chart } from "@/kit/chart";
import { short } from "@/kit/format";
import { keys } from "@/kit/query";
import { RangePicker } from "@/kit/range-picker";
import { spanOf } from "@/kit/ranges";
import classes from "./guardrails.module.css";

interface RuleHits {
  rule: string;
  checked: number;
  acted: Record<string, number>;
  steps: number[];
}

interface GuardrailHits {
  starts_ms: number[];
  rules: RuleHits[];
}

const COLOURS = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"];

export function Hits({ range, onRange }: { range: string; onRange: (range: string) => void }) {
  const hits = useQuery({
    queryKey: keys.list("guardrails", { hits: range }),
    queryFn: ({ signal }) => get<GuardrailHits>("guardrails/hits", { ...spanOf(range, Date.now()) }, signal),
  });
  const acted = hits.data?.rules.filter((one) => one.steps.some((count) => count > 0)).slice(0, COLOURS.length) ?? [];
  if (!hits.data?.rules.length) return null;
  const series = acted.map((one, at) => ({ label: one.rule, values: one.steps, color: COLOURS[at]!, area: true }));
  const none = [{ label: "Calls", values: hits.data.starts_ms.map(() => 0), color: "--c1" }];
  const title = acted.length === 1 ? `Calls in which ${acted[0]!.rule} acted` : "Calls in which rules acted"; // one series has no legend
  return (
    <div className={classes.hits}>
      <Chart title={title} at_ms={hits.data.starts_ms} series={series.length ? series : none} show={short} unit="count" stacked aside={<RangePicker value={range} onChange={onRange} />} />
    </div>
  );
}
