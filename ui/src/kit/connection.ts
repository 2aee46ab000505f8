// Whether the control process answers. While it does not, its status is asked for until it does again.

import { useSyncExternalStore } from "react";

const ASK_AGAIN_MS = 1500;

class Connection {
  #away = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #listeners = new Set<() => void>();

  lost(): void {
    if (this.#away) return;
    this.#set(true);
    this.#ask();
  }

  found(): void {
    if (!this.#away) return;
    clearTimeout(this.#timer);
    this.#set(false);
  }

  retry(): void {
    clearTimeout(this.#timer);
    void this.#try();
  }

  get away(): boolean {
    return this.#away;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #ask(): void {
    this.#timer = setTimeout(() => void this.#try(), ASK_AGAIN_MS);
  }

  async #try(): Promise<void> {
    try {
      const response = await fetch("/api/v1/status", { cache: "no-store" });
      if (response.ok) {
        this.found();
        return;
      }
    } catch {
      // Still away.
    }
    if (this.#away) this.#ask();
  }

  #set(away: boolean): void {
    this.#away = away;
    for (const listener of this.#listeners) listener();
  }
}

export const connection = new Connection();

/** True while the control process is away. */
export function useAway(): boolean {
  return useSyncExternalStore(connection.subscribe, () => connection.away);
}
