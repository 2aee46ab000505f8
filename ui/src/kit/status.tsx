import type { ReactNode } from "react";
import classes from "./kit.module.css";

export type Tone = "ok" | "warn" | "bad" | "plain";

/** A state in a word, with a dot whose colour only repeats it. */
export function Status({ tone, children, title }: { tone: Tone; children: ReactNode; title?: string }) {
  return (
    <span className={classes.status} data-tone={tone} title={title}>
      <i aria-hidden="true" />
      {children}
    </span>
  );
}
