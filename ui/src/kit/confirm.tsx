import { Button, Group, Modal, Text, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { wordsOf } from "./api";

export interface Question {
  title: string;
  /** What will happen, and what will break. */
  words: ReactNode;
  /** None: it cannot be done, and `words` say why. */
  action?: string;
  /** To be typed before it can be done, where it cannot be taken back. */
  typed?: string;
  run?: () => Promise<unknown>;
}

/** Asks before something dangerous. `question` null: closed. */
export function Confirm({ question, onClose }: { question: Question | null; onClose: () => void }) {
  return (
    <Modal opened={question !== null} onClose={onClose} title={question?.title} closeButtonProps={{ "aria-label": "Close" }}>
      {question && <Asked key={question.title} question={question} onClose={onClose} />}
    </Modal>
  );
}

function Asked({ question, onClose }: { question: Question; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  const run = async () => {
    setBusy(true);
    try {
      await question.run?.();
      onClose();
    } catch (error) {
      setFailed(wordsOf(error));
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => { event.preventDefault(); void run(); }}>
      <Text size="sm" component="div">{question.words}</Text>
      {question.typed && (
        <TextInput mt="md" data-autofocus label={`Type ${question.typed} to confirm`} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off" />
      )}
      {failed && <Text c="var(--bad)" size="sm" mt="sm" role="alert">{failed}</Text>}
      <Group justify="flex-end" mt="lg" gap="xs">
        <Button variant="default" onClick={onClose}>{question.action ? "Cancel" : "Close"}</Button>
        {question.action && <Button color="red.8" type="submit" loading={busy} disabled={question.typed !== undefined && typed !== question.typed}>{question.action}</Button>}
      </Group>
    </form>
  );
}
