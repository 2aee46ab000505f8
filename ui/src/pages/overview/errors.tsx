import { Link } from "@tanstack/react-router";
import { exact, short } from "@/kit/format";
import classes from "./overview.module.css";
import type { Overview } from "./types";

const SHOWN = 8;

/** What stands in place of a code where a call has none: its outcome, in words. */
const OUTCOMES: Record<string, string> = { cancelled: "cancelled by the caller", cut: "broken off by the provider", error: "failed, without a code", refused: "refused, without a code" };

/** Why calls failed, most often first; each leads to its records. That callers hung up is last: it is no failure of the
 *  gateway or a provider. */
export function Errors({ errors, failed, search }: { errors: Overview["errors"]; failed: number; search: Record<string, string> }) {
  const sorted = errors.toSorted((a, b) => Number(a.code === "cancelled") - Number(b.code === "cancelled") || b.calls - a.calls).slice(0, SHOWN);
  return (
    <aside className={classes.errors} aria-label="Errors">
      <h3>Why calls failed</h3>
      {sorted.length === 0 && <span className="muted">{failed ? "The reasons are not known." : "No call failed."}</span>}
      {sorted.map((one) => (
        <Link key={one.code} to={"/records" as string} search={{ ...search, ...(one.code in OUTCOMES ? { outcome: one.code } : { error_code: one.code }) } as never}>
          {one.code in OUTCOMES ? <span className="clip">{OUTCOMES[one.code]}</span> : <span className="mono clip">{one.code}</span>}
          <span title={exact(one.calls)}>{short(one.calls)}</span>
        </Link>
      ))}
    </aside>
  );
}
