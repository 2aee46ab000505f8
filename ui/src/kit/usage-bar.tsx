import { Tooltip } from "@mantine/core";
import { count, exact, exactMoney, money, percent, relative, short, windowWords } from "./format";
import classes from "./kit.module.css";
import type { Standing } from "./types";

const NEAR = 0.8;

/** How much of a limit is used. Without `spent` (not known yet) only the limit is shown. */
export function UsageBar({ metric, amount, spent, window, resets_at_ms, parts }: Pick<Standing, "metric" | "amount" | "window" | "parts"> & { spent: number | null; resets_at_ms?: number | null }) {
  const cost = metric === "cost";
  const share = spent === null ? null : spent / amount;
  const state = share === null ? "" : share >= 1 ? "full" : share >= NEAR ? "near" : "";
  const shown = cost ? money : short;
  const unit = cost ? "" : metric === "concurrency" ? " at once" : ` ${metric.replace("_", " ")}`;
  const words = `${spent === null ? "" : `${shown(spent)} of `}${shown(amount)}${unit}`;
  const per = window ? ` / ${windowWords(window)}` : "";
  const whole = cost ? exactMoney : exact;
  const title = `${spent === null ? "Used: unknown" : `Used: ${whole(spent)} (${percent(share)})`} of ${whole(amount)}${unit}${window ? ` per ${windowWords(window)}` : ""}${parts?.runs ? `, by the fullest of ${count(parts.runs, "run")}` : ""}${resets_at_ms ? `, resets ${relative(resets_at_ms)}` : ""}`;
  return (
    <Tooltip label={title} multiline maw={320}>
      <span className={classes.usage} data-state={state}>
        <span className={classes.usageWords}>
          {words}
          <span className="muted">{per}</span>
          {state === "full" && <strong> used up</strong>}
        </span>
        {share !== null && (
          <progress className={classes.usageTrack} max={1} value={Math.min(1, share)} aria-label={title} />
        )}
      </span>
    </Tooltip>
  );
}
