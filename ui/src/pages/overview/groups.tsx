import { ActionIcon, Tooltip } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { change, duration, exact, exactMoney, money, percent, short } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { SideScroll } from "@/kit/side-scroll";
import { Spark } from "@/kit/spark";
import classes from "./overview.module.css";
import { DIMENSIONS } from "./queries";
import type { Group, Sums } from "./types";

/** From this share of failures on, the number is red. */
const BAD_SHARE = 0.05;

interface Props {
  groups: readonly Group[];
  total: Sums;
  by: string;
  search: Record<string, string>;
  onNarrow: (name: string) => void;
}

/** The ten largest of a dimension: the name narrows the page to it, the arrow leads to its records. */
export function Groups({ groups, total, by, search, onNarrow }: Props) {
  const dimension = DIMENSIONS.find((one) => one.value === by)!;
  return (
    <SideScroll label={`By ${dimension.label.toLowerCase()}`}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">{dimension.label}</th>
            <th scope="col">Requests</th>
            <th scope="col">Failed</th>
            <th scope="col">Cost</th>
            <th scope="col">Share of cost</th>
            <th scope="col">Tokens</th>
            <th scope="col">Latency p95</th>
            <th scope="col">Requests over time</th>
            <th scope="col" aria-label="Records" />
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => {
            const { totals, before } = group;
            const others = group.name === "others";
            const share = total.cost_nanousd ? totals.cost_nanousd / total.cost_nanousd : null;
            const moved = change(totals.cost_nanousd, before.cost_nanousd);
            return (
              <tr key={group.name}>
                <td>{others || !group.name ? <span className="muted">{others ? "all others" : "none"}</span> : <button type="button" className={classes.name} title={`Show only ${group.name}`} onClick={() => onNarrow(group.name)}>{group.name}</button>}</td>
                <td title={exact(totals.calls)}>{short(totals.calls)}</td>
                <td style={totals.failed >= totals.calls * BAD_SHARE && totals.failed ? { color: "var(--bad)" } : undefined} title={exact(totals.failed)}>{percent(totals.calls ? totals.failed / totals.calls : null)}</td>
                <td title={exactMoney(totals.cost_nanousd)}>{money(totals.cost_nanousd)}{moved !== null && Math.abs(moved) >= 0.01 && <span className={classes.moved}>{moved > 0 ? "▲" : "▼"} {percent(Math.abs(moved))}</span>}</td>
                <td>{percent(share)}<span className={classes.share} aria-hidden="true"><i style={{ width: `${(share ?? 0) * 100}%` }} /></span></td>
                <td title={`${exact(totals.input_tokens)} in, ${exact(totals.output_tokens)} out`}>{short(totals.input_tokens + totals.output_tokens)}</td>
                <td>{duration(totals.latency_p95_us)}</td>
                <td className={classes.spark}><Spark values={group.points.map((point) => point.calls)} /></td>
                <td>
                  {!others && group.name && (
                    <Tooltip label="Its records">
                      <ActionIcon component={Link} aria-label={`Records of ${group.name}`} {...({ to: "/records", search: { ...search, [dimension.record]: group.name } } as object)}><Icon name="right" size={14} /></ActionIcon>
                    </Tooltip>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </SideScroll>
  );
}
