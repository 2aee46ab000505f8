// What of a definition looks like prompt injection, for whoever decides about it.

import { Alert } from "@mantine/core";

export function Suspicion({ of }: { of: string }) {
  return of ? <Alert color="yellow" title="It looks like prompt injection">Found: {of}. A model reads this text as it reads the words of its user.</Alert> : null;
}
