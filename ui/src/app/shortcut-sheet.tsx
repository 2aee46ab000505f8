import { Modal } from "@mantine/core";
import type { PageEntry } from "@/kit/page";
import classes from "./shell.module.css";

/** All keys, in one list. */
export function ShortcutSheet({ opened, onClose, pages, modifier }: { opened: boolean; onClose: () => void; pages: PageEntry[]; modifier: string }) {
  const rows: [string, string][] = [
    [`${modifier} K`, "Search pages, actions and names"],
    ["/", "Search in the list"],
    ["c", "Create"],
    ["↑ ↓ or k j", "Move in a table"],
    ["Enter", "Open the row"],
    ["Esc", "Close"],
    ["l", "In records: live on or off"],
    ["t", "Switch theme"],
    ["?", "This list"],
    ...pages.filter((page) => page.key).map((page): [string, string] => [`g ${page.key}`, page.title]),
  ];
  return (
    <Modal opened={opened} onClose={onClose} title="Keyboard shortcuts" closeButtonProps={{ "aria-label": "Close" }}>
      <table className={classes.keysTable}>
        <tbody>
          {rows.map(([keys, words]) => <tr key={keys}><td>{words}</td><td><kbd>{keys}</kbd></td></tr>)}
        </tbody>
      </table>
    </Modal>
  );
}
