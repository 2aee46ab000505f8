import { ActionIcon } from "@mantine/core";
import type { ReactNode } from "react";
import { Icon } from "./icons";
import classes from "./kit.module.css";
import { LimitBars } from "./limit-bars";
import type { Limited, Standing } from "./types";

interface OwnerRowProps {
  name: string;
  /** The name as a button or link. */
  title: ReactNode;
  sub?: ReactNode;
  limited: Limited;
  standings: readonly Standing[];
  actions?: ReactNode;
  opened?: boolean;
  /** With it the row can be opened to show `children`. */
  onToggle?: () => void;
  children?: ReactNode;
}

/** One owner of limits in an `OwnerList`: its name, a bar for each limit, what can be done with it. */
export function OwnerRow({ name, title, sub, limited, standings, actions, opened = false, onToggle, children }: OwnerRowProps) {
  return (
    <li>
      <div className={classes.ownerRow}>
        <div className={classes.owner}>
          {onToggle && <ActionIcon size="sm" aria-expanded={opened} aria-label={`What belongs to ${name}`} onClick={onToggle}><Icon name={opened ? "down" : "right"} size={14} /></ActionIcon>}
          <div className={classes.ownerNames}>{title}{sub && <div className={classes.ownerSub}>{sub}</div>}</div>
        </div>
        <LimitBars limited={limited} standings={standings} />
        <div className={classes.actions}>{actions}</div>
      </div>
      {opened && children}
    </li>
  );
}

/** A list of owners. `inside`: what belongs to the owner of the row above. */
export function OwnerList({ label, inside = false, loading = false, children }: { label: string; inside?: boolean; loading?: boolean; children?: ReactNode }) {
  return (
    <ul className={inside ? classes.ownersInside : classes.owners} aria-label={label}>
      {children}
      {loading && <li className={`${classes.ownerNote} late`}>Loading…</li>}
    </ul>
  );
}

export function OwnerNote({ children }: { children: ReactNode }) {
  return <p className={classes.ownerNote}>{children}</p>;
}

/** The name of an owner as a button that opens it. */
export function OwnerName({ children, onClick }: { children: string; onClick: () => void }) {
  return <button type="button" className={classes.ownerName} onClick={onClick}>{children}</button>;
}

export const ownerName = classes.ownerName;
