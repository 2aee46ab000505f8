import type { ReactNode } from "react";
import { CodeBlock } from "./code-block";
import classes from "./kit.module.css";

/** What a list shows that has nothing: one sentence, one action, the same by command line. */
export function EmptyState({ sentence, action, command }: { sentence: string; action?: ReactNode; command?: string }) {
  return (
    <div className={classes.empty}>
      <p>{sentence}</p>
      {action}
      {command && (
        <div className={classes.emptyCommand}>
          <span className="muted">Or on the command line:</span>
          <CodeBlock code={command} />
        </div>
      )}
    </div>
  );
}
