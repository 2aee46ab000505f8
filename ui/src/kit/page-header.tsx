import { Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import classes from "./kit.module.css";

/** The title of a page, one sentence if it needs one, and at most one primary action. */
export function PageHeader({ title, words, children }: { title: string; words?: ReactNode; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Asbru`;
  }, [title]);
  return (
    <header className={classes.pageHeader}>
      <div>
        <Title order={1}>{title}</Title>
        {words && <p className="muted">{words}</p>}
      </div>
      <div className={classes.pageActions}>{children}</div>
    </header>
  );
}
