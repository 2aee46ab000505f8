import { Button, Group, Modal, Text } from "@mantine/core";
import classes from "./kit.module.css";
import { titleOf, type Value } from "./schema";
import { toYaml } from "./yaml";

interface Props {
  before: Value;
  theirs: Value;
  yours: Value;
  onTheirs: () => void;
  onYours: () => void;
  onClose: () => void;
}

/** Somebody else changed the object since it was read: shows what each changed, and lets one choose. */
export function ConflictDialog({ before, theirs, yours, onTheirs, onYours, onClose }: Props) {
  const names = [...new Set([...Object.keys(theirs), ...Object.keys(yours)])].filter(
    (name) => !same(before[name], theirs[name]) || !same(before[name], yours[name]),
  );
  return (
    <Modal opened onClose={onClose} title="Someone else changed this meanwhile" size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <Text size="sm">Nothing was overwritten. Your changes can be applied on top of theirs, or dropped.</Text>
      <table className={classes.compare}>
        <thead>
          <tr><th scope="col">Field</th><th scope="col">Theirs</th><th scope="col">Yours</th></tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <th scope="row">{titleOf(name)}{!same(before[name], theirs[name]) && !same(before[name], yours[name]) && <div style={{ color: "var(--warn)" }}>both changed</div>}</th>
              <td><span className={classes.yaml}>{words(theirs[name])}</span>{same(before[name], theirs[name]) && <div className="muted">unchanged</div>}</td>
              <td><span className={classes.yaml}>{words(yours[name])}</span>{same(before[name], yours[name]) && <div className="muted">unchanged</div>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Group justify="flex-end" gap="xs">
        <Button variant="subtle" onClick={onClose}>Keep editing</Button>
        <Button variant="default" onClick={onTheirs}>Take theirs</Button>
        <Button onClick={onYours}>Apply my changes</Button>
      </Group>
    </Modal>
  );
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

function words(value: unknown): string {
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) return "none";
  return toYaml(value).trim();
}
