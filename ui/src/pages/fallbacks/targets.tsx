// The targets of a fallback in their order: dragged, or moved by buttons and Alt with the arrows.

import { ActionIcon, Autocomplete, Button, Input } from "@mantine/core";
import { type DragEvent, type KeyboardEvent, useRef, useState } from "react";
import { Icon } from "@/kit/icons";
import classes from "./fallbacks.module.css";
import { moved } from "./move";

interface Props {
  value: readonly string[];
  onChange: (value: string[]) => void;
  offered: readonly string[];
  error?: string | undefined;
}

export function Targets({ value, onChange, offered, error }: Props) {
  const [adding, setAdding] = useState("");
  const [dragged, setDragged] = useState<number | null>(null);
  const [said, setSaid] = useState("");
  const list = useRef<HTMLOListElement>(null);
  const move = (from: number, to: number) => {
    if (to < 0 || to >= value.length || from === to) return;
    onChange(moved(value, from, to));
    setSaid(`${value[from]} is now number ${to + 1} of ${value.length}`);
    requestAnimationFrame(() => list.current?.querySelectorAll<HTMLElement>("[data-handle]")[to]?.focus());
  };
  const onKey = (event: KeyboardEvent, index: number) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    move(index, index + (event.key === "ArrowUp" ? -1 : 1));
  };
  const onDragOver = (event: DragEvent, index: number) => {
    if (dragged === null) return;
    event.preventDefault();
    if (dragged === index) return;
    onChange(moved(value, dragged, index));
    setDragged(index);
  };
  const add = () => {
    const target = adding.trim();
    if (!target) return;
    onChange([...value, target]);
    setAdding("");
  };
  return (
    <Input.Wrapper label="Then" description="Tried in this order, until one answers. Drag a line, or press Alt with an arrow key." error={error} withAsterisk>
      <ol ref={list} className={classes.targets} aria-label="Targets in their order">
        {value.map((target, index) => (
          <li key={keyOf(value, index)} draggable data-dragged={dragged === index} onDragStart={() => setDragged(index)} onDragEnd={() => setDragged(null)} onDragOver={(event) => onDragOver(event, index)}>
            <button type="button" className={classes.handle} data-handle aria-label={`${index + 1}. ${target}; move with Alt and an arrow key`} onKeyDown={(event) => onKey(event, index)}>{index + 1}</button>
            <span className={`mono ${classes.target}`} title={target}>{target}</span>
            <ActionIcon aria-label={`Move ${target} up`} disabled={index === 0} onClick={() => move(index, index - 1)}><Icon name="up" /></ActionIcon>
            <ActionIcon aria-label={`Move ${target} down`} disabled={index === value.length - 1} onClick={() => move(index, index + 1)}><Icon name="down" /></ActionIcon>
            <ActionIcon aria-label={`Remove ${target}`} onClick={() => onChange(value.filter((_, at) => at !== index))}><Icon name="close" /></ActionIcon>
          </li>
        ))}
      </ol>
      <div className={classes.add}>
        <Autocomplete aria-label="Add a target" placeholder="provider/model" data={offered.filter((one) => !value.includes(one))} limit={30} value={adding} onChange={setAdding} onOptionSubmit={(one) => { onChange([...value, one]); requestAnimationFrame(() => setAdding("")); }} onKeyDown={(event) => { if (event.key === "Enter" && adding.trim()) { event.preventDefault(); add(); } }} />
        <Button variant="default" onClick={add} disabled={!adding.trim()}>Add</Button>
      </div>
      <span role="status" className={classes.said}>{said}</span>
    </Input.Wrapper>
  );
}

/** The same for a target wherever it is moved to; the element that is dragged must stay. */
function keyOf(value: readonly string[], index: number): string {
  return `${value[index]} ${value.slice(0, index).filter((one) => one === value[index]).length}`;
}
