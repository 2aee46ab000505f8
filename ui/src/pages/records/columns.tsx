import type { Column } from "@/kit/data-table";
import { clock, duration, exact, exactMoney, money, moment, short } from "@/kit/format";
import type { CallRecord } from "@/kit/types";
import { Outcome } from "@/kit/outcome";
import { inputTokens, outputTokens } from "@/kit/tokens";

const none = <span className="muted">–</span>;

export const COLUMNS: readonly Column<CallRecord>[] = [
  { id: "time", header: "Time", width: 114, grow: 0.4, rank: 1, cell: (row) => <span title={moment(row.started_ms)}>{clock(row.started_ms)}</span> },
  { id: "status", header: "Status", width: 70, grow: 0.2, rank: 2, cell: (row) => <Outcome record={row} /> },
  { id: "model", header: "Model", width: 150, grow: 1.6, rank: 2, cell: (row) => <span className="clip" title={row.model_asked}>{row.model_served || row.model_asked || none}</span> },
  { id: "provider", header: "Provider", width: 86, grow: 0.8, rank: 4, cell: (row) => row.provider || none },
  { id: "caller", header: "Key", width: 110, grow: 1.1, rank: 3, cell: (row) => row.caller || none },
  { id: "team", header: "Team", width: 104, grow: 0.8, rank: 6, cell: (row) => row.team || none },
  { id: "tokens", header: "Tokens in/out", width: 112, grow: 0.4, rank: 4, align: "right", cell: (row) => <span title={`${exact(inputTokens(row))} in, ${exact(outputTokens(row))} out`}>{inputTokens(row) === null && outputTokens(row) === null ? none : `${short(inputTokens(row))} / ${short(outputTokens(row))}`}</span> },
  { id: "cost", header: "Cost", width: 96, grow: 0.3, rank: 3, align: "right", cell: (row) => <span title={exactMoney(row.cost_nanousd)}>{money(row.cost_nanousd)}</span> },
  { id: "first", header: "First token", width: 98, grow: 0.3, rank: 7, align: "right", cell: (row) => duration(row.first_token_us) },
  { id: "latency", header: "Latency", width: 82, grow: 0.3, rank: 3, align: "right", cell: (row) => <span title={`${exact(row.latency_us)} µs`}>{duration(row.latency_us)}</span> },
  { id: "error", header: "Error", width: 130, grow: 1, rank: 8, cell: (row) => (row.error_code ? <span className="mono" title={row.error_message}>{row.error_code}</span> : none) },
  { id: "attempts", header: "Attempts", width: 76, grow: 0.2, rank: 9, align: "right", cell: (row) => row.attempts },
  { id: "surface", header: "Surface", width: 140, rank: 9, cell: (row) => row.surface },
  { id: "customer", header: "Customer", width: 100, rank: 9, cell: (row) => row.customer || none },
  { id: "key", header: "Provider key", width: 100, rank: 9, cell: (row) => row.key_name || none },
  { id: "stream", header: "Stream", width: 70, rank: 9, cell: (row) => (row.stream ? "yes" : "no") },
];
