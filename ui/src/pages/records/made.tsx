import { useQuery } from "@tanstack/react-query";
import { clock, duration, exactMoney, money, moment } from "@/kit/format";
import { Problem } from "@/kit/problem";
import { Outcome } from "@/kit/outcome";
import { MADE_MAX, madeQuery } from "./queries";
import classes from "./records.module.css";

interface Props {
  by: string;
  onOpen: (id: string) => void;
  onFilter: (name: string, value: string) => void;
}

/** The calls that a call made, in the order in which they began; nothing where it made none. */
export function Made({ by, onOpen, onFilter }: Props) {
  const made = useQuery(madeQuery(by));
  if (made.error) return <Problem error={made.error} what="The calls that it made" retry={() => void made.refetch()} />;
  if (!made.data?.items.length) return null;
  return (
    <section className={classes.section} aria-label="Calls that it made">
      <h3>Calls that it made</h3>
      <ol className={classes.made}>
        {made.data.items.toReversed().map((one) => (
          <li key={one.id}>
            <span className="muted" title={moment(one.started_ms)}>{clock(one.started_ms)}</span>
            <button type="button" className="clip" title={`${one.surface}: open its record`} onClick={() => onOpen(one.id)}>{[one.provider, one.model_served || one.model_asked].filter(Boolean).join("/") || one.surface}</button>
            <Outcome record={one} />
            <span>{duration(one.latency_us)}</span>
            <span title={exactMoney(one.cost_nanousd)}>{money(one.cost_nanousd)}</span>
          </li>
        ))}
      </ol>
      {made.data.items.length === MADE_MAX && <button type="button" className={classes.more} onClick={() => onFilter("parent_id", by)}>All of them</button>}
    </section>
  );
}
