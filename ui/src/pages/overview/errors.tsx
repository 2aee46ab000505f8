import { Link } from "@tanstack/react-router";
import { exact, short } from "@/kit/format";
import classes from "./overview.module.css";
import type { Overview } from "./types";

const SHOWN = 8;

/** Why calls failed, most often first; each code leads to its records. */
export function Errors({ errors, failed, search }: { errors: Overview["errors"]; failed: number; search: Record<string, string> }) {
  const sorted = errors.toSorted((a, b) => b.calls - a.calls).slice(0, SHOWN);
  return (
    <aside className={classes.errors} aria-label="Errors">
      <h3>Why calls failed</h3>
      {sorted.length === 0 && <span className="muted">{failed ? "The reasons are not known." : "No call failed."}</span>}
      {sorted.map((one) => (
        <Link key={one.code} to={"/records" as string} search={{ ...search, error_code: one.code } as never}>
          <span className="mono clip">{one.code || "none"}</span>
          <span title={exact(one.calls)}>{short(one.calls)}</span>
        </Link>
      ))}
    </aside>
  );
}
