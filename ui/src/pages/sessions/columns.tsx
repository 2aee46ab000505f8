import type { Column } from "@/kit/data-table";
import { clock, duration, exact, exactMoney, money, moment, short } from "@/kit/format";
import { Status } from "@/kit/status";
import type { AgentSession } from "./types";
import { agentWords, modelWords, shortName } from "./words";

const none = <span className="muted">–</span>;

/** The ids of those that can be sorted by are what the API sorts by. */
export const COLUMNS: readonly Column<AgentSession>[] = [
  { id: "session", header: "Session", width: 210, grow: 1.4, rank: 1, cell: (row) => <span className="clip" title={`${row.session} (${row.agent || "unknown program"})`}>{agentWords(row.agent)} <span className="mono muted">{shortName(row.session)}</span></span> },
  { id: "last_ms", header: "Last call", width: 116, grow: 0.3, rank: 2, sortable: true, cell: (row) => <span title={moment(row.last_ms)}>{clock(row.last_ms)}</span> },
  { id: "took", header: "Took", width: 90, grow: 0.2, rank: 5, align: "right", cell: (row) => <span title={`since ${moment(row.first_ms)}`}>{duration((row.last_ms - row.first_ms) * 1000)}</span> },
  { id: "caller", header: "Key", width: 110, grow: 1, rank: 3, cell: (row) => <span className="clip">{row.caller || none}</span> },
  { id: "team", header: "Team", width: 90, grow: 0.6, rank: 6, cell: (row) => row.team || none },
  { id: "models", header: "Models", width: 150, grow: 1.2, rank: 4, cell: (row) => <span className="clip" title={row.models.join(", ")}>{modelWords(row.models) || none}</span> },
  { id: "calls", header: "Calls", width: 66, grow: 0.2, rank: 3, align: "right", sortable: true, cell: (row) => exact(row.calls) },
  { id: "tool_calls", header: "Tool calls", width: 84, grow: 0.2, rank: 4, align: "right", sortable: true, cell: (row) => exact(row.tool_calls) },
  { id: "tokens", header: "Tokens in/out", width: 116, grow: 0.3, rank: 4, align: "right", cell: (row) => <span title={`${exact(row.input_tokens)} in (${exact(row.cached_tokens)} cached), ${exact(row.output_tokens)} out`}>{short(row.input_tokens)} / {short(row.output_tokens)}</span> },
  { id: "cost_nanousd", header: "Cost", width: 92, grow: 0.2, rank: 2, align: "right", sortable: true, cell: (row) => <Cost of={row} /> },
  { id: "failed", header: "Failed", width: 72, grow: 0.2, rank: 3, align: "right", sortable: true, cell: (row) => (row.failed ? <Status tone="bad" title="Calls that did not end well">{exact(row.failed)}</Status> : "0") },
  { id: "customer", header: "Customer", width: 100, rank: 9, cell: (row) => row.customer || none },
  { id: "first", header: "First call", width: 116, rank: 9, cell: (row) => <span title={moment(row.first_ms)}>{clock(row.first_ms)}</span> },
];

/** What is known of the cost, and whether there may be more. */
export function Cost({ of }: { of: AgentSession }) {
  if (of.unpriced && !of.cost_nanousd) return <span title="The price of no call is known">unknown</span>;
  return <span title={of.unpriced ? `${exactMoney(of.cost_nanousd)}, and calls of unknown cost: ${exact(of.unpriced)}` : exactMoney(of.cost_nanousd)}>{money(of.cost_nanousd)}{of.unpriced ? " +" : ""}</span>;
}
