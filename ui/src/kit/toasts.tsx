// Short messages in a corner: something was done (with undo where that is safe), or went wrong.

import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { wordsOf } from "./api";

const CLOSE = { "aria-label": "Dismiss" };

export function toastDone(message: string, undo?: () => void): void {
  const id = `done-${Date.now()}-${message}`;
  notifications.show({
    id,
    color: "bridge",
    closeButtonProps: CLOSE,
    autoClose: undo ? 8000 : 4000,
    message: (
      <Group justify="space-between" wrap="nowrap" gap="md">
        <Text size="sm">{message}</Text>
        {undo && (
          <Button
            variant="subtle"
            onClick={() => {
              notifications.hide(id);
              undo();
            }}
          >
            Undo
          </Button>
        )}
      </Group>
    ),
  });
}

export function toastFailed(what: string, error: unknown): void {
  notifications.show({ color: "red", closeButtonProps: CLOSE, title: what, message: wordsOf(error), autoClose: 10_000 });
}
