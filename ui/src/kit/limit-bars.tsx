import { UsageBar } from "./usage-bar";
import classes from "./kit.module.css";
import { resetWords } from "./reset-words";
import { unknownStandings } from "./standing";
import type { Limited, Standing } from "./types";

type Shown = Omit<Standing, "spent" | "owner"> & { spent: number | null };

/** All budgets and rate limits of an owner: a bar for each, and when it resets. */
export function LimitBars({ limited, standings }: { limited: Limited; standings: readonly Standing[] }) {
  if (standings.length > 0) return <StandingBars standings={standings} />;
  const unknown = unknownStandings(limited);
  if (unknown.length === 0) return <span className={classes.noLimits}>no limits</span>;
  return <StandingBars standings={unknown} words={() => ""} />;
}

/** A bar for each limit, with `words` below it: by default when it resets. */
export function StandingBars<T extends Shown>({ standings, words = resetWords }: { standings: readonly T[]; words?: (one: T) => string }) {
  return (
    <div className={classes.limitBars}>
      {standings.map((one) => (
        <div key={one.limit_id} className={classes.limitBar}>
          <UsageBar {...one} />
          <span className="muted">{words(one)}</span>
        </div>
      ))}
    </div>
  );
}
