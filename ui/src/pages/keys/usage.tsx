import type { Standing, VirtualKey } from "@/kit/types";
import { UsageBar } from "@/kit/usage-bar";

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
