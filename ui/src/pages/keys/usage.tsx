import { useQuery } from "@tanstack/react-query";
import { StandingBars } from "@/kit/limit-bars";
import { resetWords } from "@/kit/reset-words";
import { useMay } from "@/kit/session";
import { standingQuery } from "@/kit/standing";
import type { Standing, VirtualKey } from "@/kit/types";
import { UsageBar } from "@/kit/usage-bar";
import classes from "./keys.module.css";

/** The limit of a key that is closest to being used up; its first one as long as nothing is known. */
export function Usage({ row, standing }: { row: VirtualKey; standing: Standing[] | undefined }) {
  const known = (standing ?? []).filter((one) => one.owner === `key/${row.name}` || one.owner.startsWith(`key/${row.name}/`));
  const [fullest] = known.toSorted((a, b) => b.spent / b.amount - a.spent / a.amount);
  if (fullest) return <UsageBar {...fullest} />;
  const [budget] = row.budgets;
  if (budget) return <UsageBar metric="cost" amount={budget.amount_usd * 1e9} spent={null} window={budget.window} />;
  const [limit] = row.rate_limits;
  if (limit) return <UsageBar metric={limit.metric} amount={limit.amount} spent={null} window={limit.window} />;
  return <span className="muted">no limits</span>;
}

/** How every limit of a key stands, with those for one provider. */
export function KeyLimits({ row }: { row: VirtualKey }) {
  const may = useMay("spend:read");
  const standing = useQuery({ ...standingQuery("key", [row.id]), enabled: may });
  if (!standing.data?.length) return null;
  const prefix = `key/${row.id}/provider/`;
  const words = (one: Standing) => (one.owner.startsWith(prefix) ? `at ${one.owner.slice(prefix.length)}, ${resetWords(one)}` : resetWords(one));
  return (
    <section aria-label="Used of its limits" className={classes.limits}>
      <StandingBars standings={standing.data} words={words} />
    </section>
  );
}
