import classes from "./kit.module.css";

const WIDTH = 120;
const HEIGHT = 26;

/** The course of a figure in a few strokes; unknown points leave a gap. Decorative: the figure says the number. */
export function Spark({ values }: { values: readonly (number | null)[] }) {
  const known = values.filter((value): value is number => value !== null);
  if (known.length < 2) return <svg className={classes.spark} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" />;
  const top = Math.max(...known) || 1;
  const at = (value: number, index: number) =>
    `${((index / (values.length - 1)) * WIDTH).toFixed(1)},${(HEIGHT - 1 - (value / top) * (HEIGHT - 2)).toFixed(1)}`;
  let line = "";
  let drawing = false;
  values.forEach((value, index) => {
    if (value !== null) line += `${drawing ? "L" : "M"}${at(value, index)}`;
    drawing = value !== null;
  });
  const gaps = known.length < values.length;
  return (
    <svg className={classes.spark} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {!gaps && <path className={classes.sparkArea} d={`${line}L${WIDTH},${HEIGHT}L0,${HEIGHT}Z`} />}
      <path d={line} />
    </svg>
  );
}
