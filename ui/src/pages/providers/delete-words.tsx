import { count } from "@/kit/format";
import classes from "./providers.module.css";
import type { Uses } from "./queries";

const NAMED_MAX = 5;

/** What breaks, or keeps one from it, if a provider is deleted. */
export function DeleteWords({ name, uses, calls }: { name: string; uses: Uses; calls: number | undefined }) {
  const blocked = uses.rules.length + uses.fallbacks.length > 0;
  return (
    <>
      <span>{blocked ? `${name} cannot be deleted as long as these send calls to it. Change them first.` : `Calls to ${name} are refused from now on, and its keys are deleted. This cannot be undone.`}</span>
      <ul className={classes.uses}>
        {uses.rules.length > 0 && <li>{count(uses.rules.length, "routing rule")}: {list(uses.rules)}</li>}
        {uses.fallbacks.length > 0 && <li>{count(uses.fallbacks.length, "list", "lists")} of fallbacks: {list(uses.fallbacks)}</li>}
        {uses.keys.length > 0 ? <li>{count(uses.keys.length, "virtual key names", "virtual keys name")} it: {list(uses.keys)}{uses.moreKeys && ", and perhaps more"}</li> : <li>No virtual key names it{uses.moreKeys && " among the first 500"}; those with access to all models may use it.</li>}
        {calls !== undefined && <li>{calls === 0 ? "It had no calls in the last 5 minutes." : `It had ${count(calls, "call")} in the last 5 minutes.`}</li>}
      </ul>
    </>
  );
}

function list(names: readonly string[]): string {
  return names.slice(0, NAMED_MAX).join(", ") + (names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : "");
}
