// Keys that do something, and the list of them for the help sheet. A shortcut is off while one types, except with Ctrl.

import { useEffect } from "react";

export interface Shortcut {
  /** `?`, `c`, or two keys one after the other: `g o`. */
  keys: string;
  words: string;
  run: () => void;
}

const BETWEEN_MS = 900;
const active = new Set<readonly Shortcut[]>();

export function shortcuts(): Shortcut[] {
  return [...active].flat();
}

/** Listens while the component is there. `list` should be stable (useMemo). */
export function useShortcuts(list: readonly Shortcut[]): void {
  useEffect(() => {
    active.add(list);
    let first = "";
    let pressed_ms = 0;
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
      if (document.querySelector('[role="dialog"]')) return;
      const now = Date.now();
      const both = now - pressed_ms < BETWEEN_MS ? `${first} ${event.key}` : "";
      const found = list.find((one) => one.keys === both) ?? list.find((one) => one.keys === event.key && !both.startsWith("g "));
      first = event.key;
      pressed_ms = now;
      if (found) {
        event.preventDefault();
        first = "";
        found.run();
      }
    };
    document.addEventListener("keydown", listen);
    return () => {
      active.delete(list);
      document.removeEventListener("keydown", listen);
    };
  }, [list]);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
