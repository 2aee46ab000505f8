// Where a saved rule acts: for each operation, whole and streamed, the worst of its places.

import { useQuery } from "@tanstack/react-query";
import { Problem } from "@/kit/problem";
import { SideScroll } from "@/kit/side-scroll";
import { Status } from "@/kit/status";
import classes from "./guardrails.module.css";
import { proofQuery } from "./queries";
import { summarize } from "./rule";

const TONES: Record<string, "ok" | "warn" | "bad" | "plain"> = { enforced: "ok", refused: "warn", unchecked: "bad", impossible: "bad", absent: "plain" };
const WORDS: Record<string, string> = { enforced: "enforced", refused: "calls are refused", unchecked: "not checked", impossible: "cannot be enforced", absent: "nothing to check" };

export function Proof({ rule }: { rule: string }) {
  const proof = useQuery(proofQuery(rule));
  if (proof.error) return <Problem error={proof.error} what="Where the rule acts" retry={() => void proof.refetch()} />;
  if (!proof.data) return null;
  const lines = summarize(proof.data.rows);
  return (
    <section className={classes.proof} aria-label="Where it acts">
      <h3>Where it acts</h3>
      {lines.length === 0 ? <p className="muted">Nowhere: the rule is switched off.</p> : (
        <SideScroll label="Operations">
          <table>
            <thead><tr><th scope="col">Operation</th><th scope="col">Whole</th><th scope="col">Streamed</th></tr></thead>
            <tbody>{lines.map((line) => <tr key={line.surface}><td className="mono">{line.surface}</td><td><Verdict of={line.whole} /></td><td><Verdict of={line.stream} /></td></tr>)}</tbody>
          </table>
        </SideScroll>
      )}
    </section>
  );
}

function Verdict({ of }: { of: string }) {
  return of ? <Status tone={TONES[of] ?? "plain"}>{WORDS[of] ?? of}</Status> : <span className="muted">–</span>;
}
