// A chart over time: uPlot in the colours of the theme, a legend that switches series, a readout under the pointer,
// dragging chooses a range, and the same numbers as a table for whoever cannot see or point.

import "uplot/dist/uPlot.min.css";
import { ActionIcon, Tooltip, useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import { clock } from "./format";
import { Icon } from "./icons";
import classes from "./kit.module.css";

export interface Series {
  label: string;
  values: readonly (number | null)[];
  /** A token: `--c1` to `--c8`, `--bad`. */
  color: string;
  area?: boolean;
  dashed?: boolean;
}

export interface ChartProps {
  title: string;
  /** Unix milliseconds. */
  at_ms: readonly number[];
  series: readonly Series[];
  /** A value in people's words: with its unit. */
  show: (value: number | null) => string;
  height?: number;
  /** What the marks of the axis are multiples of: times are not decimal, and there is no half of a call. */
  unit?: "duration" | "count";
  /** Each series stands on the one before it. */
  stacked?: boolean;
  onRange?: (since_ms: number, until_ms: number) => void;
  aside?: ReactNode;
}

/** The top of the axis where there is nothing: only its 0 is named. */
const NOTHING_MAX = 1;

interface Pointed {
  index: number;
  left: number;
}

export function Chart({ title, at_ms, series, show, height = 190, unit, stacked = false, onRange, aside }: ChartProps) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [asTable, setAsTable] = useState(false);
  const toggle = (label: string) => {
    const next = new Set(hidden);
    if (!next.delete(label)) next.add(label);
    setHidden(next);
  };
  const visible = useMemo(() => series.filter((one) => !hidden.has(one.label)), [series, hidden]);
  return (
    <section className={classes.chart} aria-label={title}>
      <div className={classes.chartTop}>
        <h2>{title}</h2>
        <div>
          {aside}
          <Tooltip label={asTable ? "Show as a chart" : "Show as a table"}>
            <ActionIcon size="sm" aria-label={`${title}: show as a ${asTable ? "chart" : "table"}`} aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
              <Icon name="table" size={14} />
            </ActionIcon>
          </Tooltip>
        </div>
      </div>
      {asTable ? (
        <Numbers at_ms={at_ms} series={series} show={show} title={title} height={height} />
      ) : (
        <Plot at_ms={at_ms} series={visible} show={show} height={height} unit={unit} stacked={stacked} onRange={onRange} />
      )}
      {series.length > 1 && (
        <ul className={classes.legend}>
          {series.map((one) => (
            <li key={one.label}>
              <button type="button" aria-pressed={!hidden.has(one.label)} onClick={() => toggle(one.label)}>
                <i style={{ background: `var(${one.color})` }} />
                {one.label}
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Plot({ at_ms, series, show, height, unit, stacked, onRange }: Pick<ChartProps, "at_ms" | "series" | "show" | "unit" | "onRange"> & { height: number; stacked: boolean }) {
  const { ref: sizer, width } = useElementSize();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme = useComputedColorScheme();
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const data = useMemo(() => toData(at_ms, series, stacked), [at_ms, series, stacked]);
  const shape = JSON.stringify(series.map(({ label, color, area, dashed }) => [label, color, area, dashed]));
  const latest = useRef({ show, onRange });
  latest.current = { show, onRange };

  useEffect(() => {
    if (!host.current || width === 0) return;
    const colour = (token: string) => getComputedStyle(document.documentElement).getPropertyValue(token).trim();
    const axis: uPlot.Axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const made = new uPlot(
      {
        width,
        height,
        padding: [8, 18, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
        scales: { x: { time: true }, y: { range: (_, __, top) => [0, top > 0 ? top * 1.08 : NOTHING_MAX] } },
        axes: [{ ...axis, size: 28, values: (_, splits, __, ___, step) => splits.map((at) => tick(at, step)) }, { ...axis, size: 62, ...(unit ? { incrs: MARKS[unit] } : {}), values: (self, splits) => splits.map((value) => value > 0 && self.scales["y"]?.max === NOTHING_MAX ? "" : latest.current.show(value).replace(/\.00$/, "")) }],
        series: [{}, ...drawn(series, stacked).map((one) => ({
          label: one.label,
          stroke: colour(one.color),
          width: 1.5,
          spanGaps: false,
          points: { show: true, size: 4, filter: (_: uPlot, place: number) => alone(data[place]!) },
          ...(one.dashed ? { dash: [4, 4] } : {}),
          ...(stacked ? { fill: `color-mix(in srgb, ${colour(one.color)} 72%, ${colour("--canvas")})` } : one.area ? { fill: `${colour(one.color)}22` } : {}),
        }))],
        hooks: {
          setCursor: [(self) => {
            const { idx, left } = self.cursor;
            setPointed(idx === null || idx === undefined || left === undefined || left < 0 ? null : { index: idx, left: left + self.bbox.left / devicePixelRatio });
          }],
          setSelect: [(self) => {
            const { left, width: chosen } = self.select;
            if (chosen > 8) latest.current.onRange?.(self.posToVal(left, "x") * 1000, self.posToVal(left + chosen, "x") * 1000);
            self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          }],
        },
      },
      data,
      host.current,
    );
    plot.current = made;
    return () => {
      plot.current = null;
      made.destroy();
    };
    // Data is set below: a new answer must not build the chart anew.
  }, [shape, theme, stacked, height, unit, width === 0]);

  useEffect(() => plot.current?.setData(data), [data]);
  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height });
  }, [width, height]);

  return (
    <div ref={sizer} className={classes.chartArea} style={{ height }}>
      <div ref={host} aria-hidden="true" />
      {pointed && at_ms[pointed.index] !== undefined && (
        <div className={classes.readout} style={{ top: 0, left: Math.max(0, Math.min(pointed.left + 12, width - 190)) }}>
          <strong>{clock(at_ms[pointed.index])}</strong>
          {series.map((one) => (
            <div key={one.label}>
              <span><i style={{ background: `var(${one.color})` }} />{one.label}</span>
              <span>{show(one.values[pointed.index] ?? null)}</span>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

const DURATIONS_US = [1, 2, 5, 10, 20, 50, 100, 200, 500].flatMap((step) => [step, step * 1e3]).concat([1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600].map((step) => step * 1e6)).sort((a, b) => a - b);
const COUNTS = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
const MARKS = { duration: DURATIONS_US, count: COUNTS };
const HOURS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAYS = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** A mark of the axis: the day where days begin, else the time. */
function tick(at_s: number, step_s: number): string {
  const at = new Date(at_s * 1000);
  return step_s >= 86_400 || (at.getHours() === 0 && at.getMinutes() === 0) ? DAYS.format(at) : HOURS.format(at);
}

/** Points without a neighbour, of which a line shows nothing. */
function alone(values: ArrayLike<number | null | undefined>): number[] {
  const known = (index: number) => values[index] !== null && values[index] !== undefined;
  return Array.from({ length: values.length }, (_, index) => index).filter((index) => known(index) && !known(index - 1) && !known(index + 1));
}

/** Stacked series are drawn from the top one down, each filled to the ground. */
function drawn(series: readonly Series[], stacked: boolean): readonly Series[] {
  return stacked ? [...series].reverse() : series;
}

function toData(at_ms: readonly number[], series: readonly Series[], stacked: boolean): uPlot.AlignedData {
  const x = at_ms.map((at) => at / 1000);
  if (!stacked) return [x, ...series.map((one) => [...one.values])] as uPlot.AlignedData;
  const sums = new Array<number>(x.length).fill(0);
  const piled = series.map((one) => one.values.map((value, index) => (sums[index] = sums[index]! + (value ?? 0))));
  return [x, ...piled.reverse()] as uPlot.AlignedData;
}

function Numbers({ at_ms, series, show, title, height }: Pick<ChartProps, "at_ms" | "series" | "show" | "title"> & { height: number }) {
  return (
    <div className={classes.plainScroll} style={{ height }} tabIndex={0} role="region" aria-label={`${title} as a table`}>
      <table className={classes.plainTable}>
        <thead>
          <tr><th scope="col">Time</th>{series.map((one) => <th key={one.label} scope="col">{one.label}</th>)}</tr>
        </thead>
        <tbody>
          {at_ms.map((at, index) => (
            <tr key={at}><td>{clock(at)}</td>{series.map((one) => <td key={one.label}>{show(one.values[index] ?? null)}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
