// Keys that do something. They are off while one types, and while a sheet is open. The help sheet lists them.

import { useEffect } from "react";

export interface Shortcut {
  /** `?`, `c`, or two keys one after the other: `g o`. */
  keys: string;
  words: string;
  run: () => void;
}

const BETWEEN_MS = 900;

/** Listens while the component is there. `list` should be stable (useMemo). */
export function useShortcuts(list: readonly Shortcut[]): void {
  useEffect(() => {
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
    return () => document.removeEventListener("keydown", listen);
  }, [list]);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
