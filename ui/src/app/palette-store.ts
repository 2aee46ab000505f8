// The state of the command palette, which the shell opens before the palette itself is loaded.

import { createSpotlight } from "@mantine/spotlight";

const [store, actions] = createSpotlight();

export const paletteStore = store;
export const openPalette = actions.open;

/** Choose the first entry again: entries that come after one has typed are put before the chosen one. */
export function chooseFirst(): void {
  const { listId, opened, selected } = store.getState();
  const list = opened && selected === 0 ? document.getElementById(listId) : null;
  const first = list?.querySelector("[data-action]");
  if (!first) return;
  list?.querySelector("[data-selected]")?.removeAttribute("data-selected");
  first.setAttribute("data-selected", "true");
}
