// The last step: the key with lines to copy, and the first call, seen as it arrives.

import { Alert, Autocomplete, Button, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { get } from "@/kit/api";
import { clock, duration, money } from "@/kit/format";
import { keys } from "@/kit/query";
import { SnippetTabs } from "@/kit/snippet-tabs";
import { Status } from "@/kit/status";
import type { CallRecord, Page } from "@/kit/types";
import { firstModelsQuery } from "./models";
import type { Made } from "./step";

const ASK_AGAIN_MS = 1000;

export function FirstCall({ made, provider }: { made: Made; provider: string }) {
  const offered = useQuery({ ...firstModelsQuery(provider, made.value), staleTime: Infinity });
  const [typed, setTyped] = useState<string | null>(null);
  const model = typed ?? offered.data?.[0] ?? "";

  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const records = useQuery({
    queryKey: keys.list("records", { caller: made.name, limit: 1 }),
    queryFn: ({ signal }) => get<Page<CallRecord>>("records", { caller: made.name, limit: 1 }, signal),
    refetchInterval: (query) => (query.state.data?.items.length ? false : ASK_AGAIN_MS),
  });
  const call = records.data?.items[0];
  const send = async () => {
    setBusy(true);
    setFailed(null);
    try {
      const response = await fetch("/v1/chat/completions", {
        method: "POST",
        headers: { authorization: `Bearer ${made.value}`, "content-type": "application/json" },
        body: JSON.stringify({ model, messages: [{ role: "user", content: "Say hello in one sentence." }] }),
      });
      const reply = (await response.json()) as { error?: { message: string } };
      if (!response.ok) setFailed(reply.error?.message ?? `The call failed with status ${response.status}.`);
    } catch {
      setFailed("The gateway did not answer.");
    }
    setBusy(false);
  };
  return (
    <Stack gap="md">
      <div>
        <h2 style={{ margin: 0, fontSize: "1rem" }}>Send the first call</h2>
        <Text size="sm" c="dimmed">The key is shown only once. Copy the lines for your client, or send a call from this page.</Text>
      </div>
      <Autocomplete label="Model" description={offered.data?.length ? "Of those that the provider lists, the least expensive comes first." : "provider/model"} data={[...new Set(offered.data)]} value={model} onChange={setTyped} limit={50} maxDropdownHeight={260} />
      <SnippetTabs apiKey={made.value} model={model} />
      {failed && <Alert color="red" role="alert">{failed}</Alert>}
      <div role="status">
        {call ? (
          <Alert color="bridge" title="The first call has arrived">
            <Group gap="lg">
              <Status tone={(call.status) < 400 ? "ok" : "bad"}>{call.status}</Status>
              <span className="mono">{call.model_served || call.model_asked}</span>
              <span>{duration(call.latency_us)}</span>
              <span>{money(call.cost_nanousd)}</span>
              <span className="muted">{clock(call.started_ms)}</span>
            </Group>
          </Alert>
        ) : (
          <Group gap="md">
            <Button size="sm" variant="default" onClick={() => void send()} loading={busy} disabled={!model}>Send a call from here</Button>
            <Status tone="plain">Waiting for the first call of {made.name}…</Status>
          </Group>
        )}
      </div>
      <Button size="sm" variant={call ? "filled" : "subtle"} component={Link} to="/" style={{ alignSelf: "flex-start" }}>Open the UI</Button>
    </Stack>
  );
}
