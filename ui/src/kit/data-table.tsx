// A table of any length: only the rows in sight are drawn. With room for few columns the least important ones are left
// out (each can be chosen back), and on a phone rows become cards. Keys: arrows or j and k, Home, End, Enter.

import { ActionIcon, Checkbox, Popover, Stack, Tooltip, VisuallyHidden } from "@mantine/core";
import { useElementSize, useLocalStorage, useMediaQuery } from "@mantine/hooks";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Icon } from "./icons";
import classes from "./kit.module.css";

export interface Column<T> {
  id: string;
  header: string;
  cell: (row: T) => ReactNode;
  /** Least width in px; what is left over is shared by `grow`. */
  width: number;
  grow?: number;
  align?: "left" | "right";
  /** 1 is always shown; the larger, the earlier it makes room. From 9 on it is shown only when chosen. */
  rank?: number;
  sortable?: boolean;
}

export interface Sort {
  by: string;
  down: boolean;
}

export interface DataTableProps<T> {
  /** Names the table for screen readers, and its chosen columns in this browser. */
  name: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** Makes rows open something: by click and by Enter. */
  onOpen?: (row: T) => void;
  chosen?: string | undefined;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  loading?: boolean;
  hasMore?: boolean;
  onMore?: () => void;
  /** Shown in place of rows, where there are none. */
  empty?: ReactNode;
  rowHeight?: number;
  /** Search and filters, above the table. */
  bar?: ReactNode;
  /** What a card shows beside its title: buttons. */
  actions?: (row: T) => ReactNode;
}

const SKELETONS = 8;
const ACTIONS_WIDTH = 44;
const BELOW = 24;
/** Columns of this rank and beyond are left out of cards, which open to show all. */
const CARD_RANK = 7;
const CARDS_BELOW = "(max-width: 640px)";

export function DataTable<T>(props: DataTableProps<T>) {
  const { name, columns, rows, loading, empty, bar, hasMore, onMore } = props;
  const cards = useMediaQuery(CARDS_BELOW, window.matchMedia(CARDS_BELOW).matches, { getInitialValueInEffect: false });
  const [picked, setPicked] = useLocalStorage<Record<string, boolean>>({ key: `asbru-columns-${name}`, defaultValue: {}, getInitialValueInEffect: false });
  const { ref, width } = useElementSize();
  const shown = useMemo(
    () => fitting(columns, picked, cards ? Infinity : (width || 1000) - (props.actions ? ACTIONS_WIDTH : 0)),
    [columns, picked, width, cards, props.actions],
  );
  const choosing = !cards && (bar !== undefined || shown.length < columns.length);
  const nothing = !loading && rows.length === 0;
  return (
    <div ref={ref}>
      {(bar !== undefined || choosing) && <div className={classes.tableBar}>
        <div>{bar}</div>
        {choosing && <ColumnChooser columns={columns} shown={shown} onPick={(id, on) => setPicked({ ...picked, [id]: on })} />}
      </div>}
      {nothing && empty}
      {!nothing && cards && <Cards {...props} shown={shown} />}
      {!nothing && !cards && <Grid {...props} shown={shown} />}
      {cards && hasMore && rows.length > 0 && <button type="button" className={classes.tableNote} onClick={onMore}>Show more</button>}
      <VisuallyHidden role="status">{loading ? `Loading ${name}` : ""}</VisuallyHidden>
    </div>
  );
}

/** The columns that there is room for, in their order. */
function fitting<T>(columns: readonly Column<T>[], picked: Record<string, boolean>, room: number): Column<T>[] {
  const wanted = columns.filter((column) => picked[column.id] ?? (column.rank ?? 5) < 9);
  let width = wanted.reduce((sum, column) => sum + column.width, 0);
  const leaving = wanted.filter((column) => (column.rank ?? 5) > 1 && !picked[column.id]).sort((a, b) => (b.rank ?? 5) - (a.rank ?? 5));
  const left = new Set<string>();
  for (const column of leaving) {
    if (width <= room) break;
    left.add(column.id);
    width -= column.width;
  }
  return wanted.filter((column) => !left.has(column.id));
}

type Inner<T> = DataTableProps<T> & { shown: Column<T>[] };

function Grid<T>({ name, shown, rows, rowKey, onOpen, chosen, sort, onSort, loading, hasMore, onMore, rowHeight = 38, actions }: Inner<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 12 });
  const items = virtual.getVirtualItems();
  const [top, setTop] = useState(200);
  useLayoutEffect(() => setTop(Math.round((scroller.current?.getBoundingClientRect().top ?? 200) + window.scrollY)), []);
  const last = items[items.length - 1]?.index ?? 0;
  useEffect(() => {
    if (hasMore && !loading && last >= rows.length - 20) onMore?.();
  }, [hasMore, loading, last, rows.length, onMore]);
  const template = `${shown.map((column) => `minmax(${column.width}px, ${column.grow ?? 1}fr)`).join(" ")}${actions ? ` ${ACTIONS_WIDTH}px` : ""}`;
  const move = (index: number) => {
    const to = Math.max(0, Math.min(rows.length - 1, index));
    setActive(to);
    virtual.scrollToIndex(to);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.target !== scroller.current) return;
    const page = Math.floor((scroller.current?.clientHeight ?? 400) / rowHeight) - 1;
    const steps: Record<string, number> = { ArrowDown: active + 1, j: active + 1, ArrowUp: active - 1, k: active - 1, Home: 0, End: rows.length - 1, PageDown: active + page, PageUp: active - page };
    const row = rows[active];
    if (event.key in steps) move(steps[event.key]!);
    else if (event.key === "Enter" && row && onOpen) onOpen(row);
    else return;
    event.preventDefault();
  };
  const height = rows.length ? rows.length * rowHeight : SKELETONS * rowHeight;
  return (
    <div
      ref={scroller}
      role="grid"
      aria-label={name}
      aria-rowcount={rows.length + 1}
      aria-colcount={shown.length + (actions ? 1 : 0)}
      aria-activedescendant={items.some((item) => item.index === active) ? `${name}-${active}` : undefined}
      tabIndex={0}
      onKeyDown={onKey}
      className={classes.table}
      style={{ maxHeight: `max(320px, calc(100vh - ${top + BELOW}px))` }}
    >
      <div role="row" aria-rowindex={1} className={classes.head} style={{ gridTemplateColumns: template }}>
        {shown.map((column) => (
          <div key={column.id} role="columnheader" className={classes.cell} data-align={column.align} aria-sort={sort?.by === column.id ? (sort.down ? "descending" : "ascending") : undefined}>
            {column.sortable && onSort ? (
              <button type="button" className={classes.sort} onClick={() => onSort({ by: column.id, down: sort?.by === column.id ? !sort.down : true })}>
                {column.header}
                {sort?.by === column.id && <Icon name={sort.down ? "down" : "up"} size={12} />}
              </button>
            ) : column.header}
          </div>
        ))}
        {actions && <div role="columnheader" className={classes.cell} aria-label="Actions" />}
      </div>
      <div role="rowgroup" style={{ height, position: "relative" }}>
        {rows.length === 0 && loading && Array.from({ length: SKELETONS }, (_, index) => (
          <div key={index} role="row" className={`${classes.row} late`} style={{ gridTemplateColumns: template, top: index * rowHeight, height: rowHeight }}>
            {shown.map((column) => <div key={column.id} role="gridcell" className={classes.cell}><div className={classes.skeleton} /></div>)}
          </div>
        ))}
        {items.map((item) => {
          const row = rows[item.index]!;
          const key = rowKey(row);
          return (
            <div
              key={key}
              id={`${name}-${item.index}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={chosen === undefined ? undefined : chosen === key}
              data-active={item.index === active}
              data-last={item.index === rows.length - 1}
              data-opens={onOpen ? "" : undefined}
              className={classes.row}
              style={{ gridTemplateColumns: template, top: item.start, height: rowHeight }}
              onClick={(event) => {
                if (isControl(event.target, event.currentTarget)) return;
                setActive(item.index);
                onOpen?.(row);
              }}
            >
              {shown.map((column) => <div key={column.id} role="gridcell" className={classes.cell} data-align={column.align}>{column.cell(row)}</div>)}
              {actions && <div role="gridcell" className={classes.actions}>{actions(row)}</div>}
            </div>
          );
        })}
      </div>
      {rows.length > 0 && loading && <div className={`${classes.tableNote} late`}>Loading more…</div>}
    </div>
  );
}

function Cards<T>({ name, shown, rows, rowKey, onOpen, chosen, loading, actions }: Inner<T>) {
  const [limit, setLimit] = useState(100);
  const told = shown.filter((column) => (column.rank ?? 5) < CARD_RANK);
  const title = told.find((column) => column.rank === 1) ?? told[0];
  const others = told.filter((column) => column !== title);
  if (rows.length === 0 && loading) return <div className={`${classes.tableNote} late`}>Loading…</div>;
  return (
    <ul className={classes.cards} aria-label={name}>
      {rows.slice(0, limit).map((row) => (
        <li key={rowKey(row)} className={classes.card} data-chosen={chosen === rowKey(row)}>
          <div className={classes.cardTop}>
            {onOpen ? <button type="button" className={classes.cardOpen} onClick={() => onOpen(row)}>{title?.cell(row)}</button> : title?.cell(row)}
            {actions?.(row)}
          </div>
          <dl>
            {others.map((column) => <div key={column.id}><dt>{column.header}</dt><dd>{column.cell(row)}</dd></div>)}
          </dl>
        </li>
      ))}
      {rows.length > limit && <li><button type="button" className={classes.cardOpen} onClick={() => setLimit(limit + 100)}>Show 100 more</button></li>}
    </ul>
  );
}

function ColumnChooser<T>({ columns, shown, onPick }: { columns: readonly Column<T>[]; shown: Column<T>[]; onPick: (id: string, on: boolean) => void }) {
  const there = new Set(shown.map((column) => column.id));
  return (
    <Popover position="bottom-end" shadow="md" trapFocus>
      <Popover.Target>
        <Tooltip label="Columns"><ActionIcon aria-label="Choose columns" size="md"><Icon name="columns" /></ActionIcon></Tooltip>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap={8} role="group" aria-label="Columns">
          {columns.filter((column) => column.rank !== 1).map((column) => (
            <Checkbox key={column.id} size="xs" label={column.header} checked={there.has(column.id)} onChange={(event) => onPick(column.id, event.currentTarget.checked)} />
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function isControl(target: EventTarget, row: Element): boolean {
  const control = target instanceof Element ? target.closest("button, a, input, label, [role='menu'], [role='menuitem']") : null;
  return control !== null && (row.contains(control) || !row.contains(target as Element));
}
