import { duration, money } from "@/kit/format";
import classes from "./records.module.css";
import type { Attempt, RecordDetail } from "./types";

/** The attempts of a call, one after the other, on the time that the call took; what was passed over has no time. */
export function Waterfall({ record }: { record: RecordDetail }) {
  const whole_ms = Math.max(record.latency_us / 1000, record.attempts_detail.reduce((sum, one) => sum + one.ms, 0), 0.001);
  let began_ms = 0;
  const rows = record.attempts_detail.map((attempt) => {
    const left = (began_ms / whole_ms) * 100;
    began_ms += attempt.ms;
    return { attempt, left, width: (attempt.ms / whole_ms) * 100 };
  });
  const first = record.first_token_us === null ? null : (record.first_token_us / 1000 / whole_ms) * 100;
  if (rows.length === 0) return <p className="muted">No provider was asked.</p>;
  return (
    <div className={classes.waterfall} role="list" aria-label="Attempts">
      {rows.map(({ attempt, left, width }, index) => (
        <div key={index} role="listitem" style={{ display: "contents" }}>
          <span className="clip" title={`${attempt.provider}/${attempt.model}, key ${attempt.key}`}>
            {attempt.provider} <span className="muted">{attempt.key}</span>
          </span>
          {attempt.outcome === "passed_over" ? <span className="muted">passed over</span> : (
            <div className={classes.track} title={`${attempt.ms} ms${attempt.cost_nanousd === null ? "" : `, ${money(attempt.cost_nanousd)}`}`}>
              <div className={classes.bar} data-tone={toneOf(attempt)} style={{ left: `${left}%`, width: `${width}%` }} />
              {first !== null && index === rows.length - 1 && <div className={classes.mark} style={{ left: `${Math.min(99.5, first)}%` }} title={`First token after ${duration(record.first_token_us)}`} />}
            </div>
          )}
          <span style={{ textAlign: "right" }}>{attempt.outcome === "passed_over" ? "" : `${attempt.status || ""} ${attempt.ms ? duration(attempt.ms * 1000) : "<1 ms"}`}</span>
          {attempt.reason && <span className={classes.why}>{attempt.reason}</span>}
        </div>
      ))}
    </div>
  );
}

function toneOf(attempt: Attempt): string {
  return attempt.outcome === "ok" ? "ok" : attempt.outcome === "cancelled" ? "plain" : "bad";
}
