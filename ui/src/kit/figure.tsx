import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { change, percent } from "./format";
import classes from "./kit.module.css";
import { Spark } from "./spark";

export interface FigureProps {
  label: string;
  value: string;
  /** Every digit, on hover. */
  exact?: string;
  now?: number | null;
  before?: number | null;
  /** Whether more is bad (latency, errors), good, or neither. */
  more?: "bad" | "good" | "neither";
  points?: readonly (number | null)[];
  to?: string;
  search?: Record<string, string>;
}

/** A number with its unit, how it moved since the period before, and its course; leads to what is behind it. */
export function Figure({ label, value, exact, now, before, more = "neither", points, to, search }: FigureProps) {
  const moved = change(now, before);
  const tone = moved === null || Math.abs(moved) < 0.02 || more === "neither" ? undefined : moved > 0 === (more === "bad") ? "bad" : "ok";
  const content = (
    <>
      <div className={classes.figureLabel}>{label}</div>
      <div className={classes.figureValue} title={exact}>{value}</div>
      <div className={classes.figureChange} data-tone={tone} title="Compared with the period of the same length before">
        {moved === null ? (now === null || now === undefined ? "" : "no earlier data") : moved === 0 ? "unchanged" : `${moved > 0 ? "▲" : "▼"} ${percent(Math.abs(moved))}`}
      </div>
      {points && <Spark values={points} />}
    </>
  );
  return to ? <Link className={classes.figure} to={to} search={search as never}>{content}</Link> : <div className={classes.figure}>{content}</div>;
}

export function Figures({ children }: { children: ReactNode }) {
  return <div className={classes.figures}>{children}</div>;
}
