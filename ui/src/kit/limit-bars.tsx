import { UsageBar } from "./usage-bar";
import classes from "./kit.module.css";
import { resetWords } from "./reset-words";
import { unknownStandings } from "./standing";
import type { Limited, Standing } from "./types";

/** All budgets and rate limits of an owner: a bar for each, and when it resets. */
export function LimitBars({ limited, standings }: { limited: Limited; standings: readonly Standing[] }) {
  const shown = standings.length ? standings : unknownStandings(limited);
  if (shown.length === 0) return <span className="muted">no limits</span>;
  return (
    <div className={classes.limitBars}>
      {shown.map((one) => (
        <div key={one.limit_id} className={classes.limitBar}>
          <UsageBar {...one} />
          <span className="muted">{one.spent === null ? "" : resetWords(one)}</span>
        </div>
      ))}
    </div>
  );
}
