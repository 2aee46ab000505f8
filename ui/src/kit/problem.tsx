import { Alert, Button, Group } from "@mantine/core";
import { ApiError, Unreachable, wordsOf } from "./api";
import { Icon } from "./icons";

/** Something could not be read: says what, and offers to try again. */
export function Problem({ error, retry, what }: { error: unknown; retry?: () => void; what: string }) {
  if (error instanceof Unreachable)
    return <Alert color="yellow" icon={<Icon name="warning" />} title={`${what} cannot be shown at the moment`}>This page continues as soon as the control process answers again.</Alert>;
  const advice = error instanceof ApiError && error.status === 403 ? " Ask an administrator for access." : "";
  return (
    <Alert color="red" icon={<Icon name="warning" />} title={`${what} could not be loaded`}>
      <Group justify="space-between" gap="md">
        <span>{wordsOf(error)}{advice}</span>
        {retry && <Button variant="default" onClick={retry}>Try again</Button>}
      </Group>
    </Alert>
  );
}
