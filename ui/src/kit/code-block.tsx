import { CopyButton } from "./copy-button";
import classes from "./kit.module.css";

/** Lines to copy. */
export function CodeBlock({ code, label = "Copy" }: { code: string; label?: string }) {
  return (
    <div className={classes.code}>
      <pre tabIndex={0}>{code}</pre>
      <div className={classes.codeCopy}>
        <CopyButton value={code} label={label} />
      </div>
    </div>
  );
}
