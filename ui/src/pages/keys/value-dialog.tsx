import { Alert, Button, Group, Modal, PasswordInput, Stack } from "@mantine/core";
import { CopyButton } from "@/kit/copy-button";
import { Icon } from "@/kit/icons";
import { SnippetTabs } from "@/kit/snippet-tabs";

export interface MadeKey {
  id: string;
  value: string;
  rotated: boolean;
}

/** Shows the value of a key, once. It closes by its button only, so that a stray click does not lose the value. */
export function ValueDialog({ made, model, onClose }: { made: MadeKey; model: string; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} closeOnClickOutside={false} closeOnEscape={false} withCloseButton={false} size="lg" title={made.rotated ? `New value of ${made.id}` : `The key ${made.id} is created`}>
      <Stack gap="md">
        <Alert color="yellow" icon={<Icon name="warning" />}>Copy the value now. It is stored as a hash, and cannot be shown again.</Alert>
        <Group align="flex-end" gap="xs" wrap="nowrap">
          <PasswordInput label="Value" value={made.value} readOnly style={{ flex: 1 }} styles={{ innerInput: { fontFamily: "var(--mantine-font-family-monospace)" } }} autoComplete="off" />
          <CopyButton value={made.value}>Copy the value</CopyButton>
        </Group>
        <SnippetTabs apiKey={made.value} model={model} />
        <Group justify="flex-end"><Button onClick={onClose}>I have stored it</Button></Group>
      </Stack>
    </Modal>
  );
}
