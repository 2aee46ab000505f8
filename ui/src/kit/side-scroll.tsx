import type { ReactNode } from "react";
import classes from "./kit.module.css";

/** A table that may be wider than the screen: it scrolls sideways, by keyboard as well, and its edges show that there is
 *  more. On a narrow screen a line says so. */
export function SideScroll({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <div className={classes.sideScroll} tabIndex={0} role="region" aria-label={label}>{children}</div>
      <p className={classes.sideScrollHint} aria-hidden="true">Scroll the table sideways for all columns →</p>
    </div>
  );
}
