import { ActionIcon, Alert, Button, Group, Modal, PasswordInput, Select, Stack, Tabs, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import { post, wordsOf } from "@/kit/api";
import { CodeBlock } from "@/kit/code-block";
import { CopyButton } from "@/kit/copy-button";
import { type Column, DataTable } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { moment, relative } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { useNoun } from "@/kit/noun";
import { Problem } from "@/kit/problem";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { Status } from "@/kit/status";
import { useUrlState } from "@/kit/url-state";
import { tokensQuery } from "./queries";
import { Refused, RoleSelect } from "./role-select";
import type { Token } from "./types";

const DAY_S = 86_400;
const LIVES = [
  { value: String(7 * DAY_S), label: "in 7 days" },
  { value: String(30 * DAY_S), label: "in 30 days" },
  { value: String(90 * DAY_S), label: "in 90 days" },
  { value: String(365 * DAY_S), label: "in 1 year" },
  { value: "0", label: "never" },
];
const SOON_MS = 7 * DAY_S * 1000;

type Made = Token & { value: string };

export function TokensTab() {
  const [url, setUrl] = useUrlState<{ new: string | undefined }>({ new: undefined });
  const noun = useNoun("tokens");
  const [made, setMade] = useState<Made | null>(null);
  const mayWrite = useMay("tokens:write");
  const tokens = useQuery(tokensQuery);
  const rows = tokens.data ?? [];
  useShortcuts(useMemo(() => (mayWrite ? [{ keys: "c", words: "Create a token", run: () => setUrl({ new: "1" }, { push: true }) }] : []), [mayWrite, setUrl]));
  const askDelete = (row: Token) => noun.askDelete({ id: row.name, name: row.name, title: `Delete the token ${row.name}?`, words: "Programs that use it are refused from now on. This cannot be undone." });
  const columns = useMemo<Column<Token>[]>(() => [
    { id: "name", header: "Name", width: 180, grow: 1.4, rank: 1, cell: (row) => <strong style={{ fontWeight: 600 }}>{row.name}</strong> },
    { id: "role", header: "Role", width: 120, rank: 2, cell: (row) => row.role },
    { id: "expires", header: "Expires", width: 150, rank: 2, cell: (row) => <Expiry row={row} /> },
    { id: "by", header: "Created by", width: 130, rank: 3, cell: (row) => row.made_by },
    { id: "made", header: "Created", width: 110, rank: 4, cell: (row) => <span className="muted" title={moment(row.made_ms)}>{relative(row.made_ms)}</span> },
  ], []);
  const newButton = mayWrite && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setUrl({ new: "1" }, { push: true })}>New token</Button>;

  if (tokens.error && !tokens.data) return <Problem error={tokens.error} what="The tokens" retry={() => void tokens.refetch()} />;
  return (
    <>
      <DataTable
        name="API tokens"
        columns={columns}
        rows={rows}
        rowKey={(row) => row.name}
        loading={!tokens.data}
        empty={<EmptyState sentence="There is no token. Programs and the command line use the management API with one; calls to models need a virtual key instead." action={newButton} />}
        actions={(row) => mayWrite && <ActionIcon aria-label={`Delete the token ${row.name}`} onClick={() => askDelete(row)}><Icon name="trash" size={15} /></ActionIcon>}
      />
      <Modal opened={mayWrite && url.new !== undefined && made === null} onClose={() => setUrl({ new: undefined })} title="New token" closeButtonProps={{ "aria-label": "Close" }}>
        <TokenForm onMade={(token) => { setMade(token); void noun.reread(); }} />
      </Modal>
      {made && <TokenDialog made={made} onClose={() => { setMade(null); setUrl({ new: undefined }); }} />}
      {noun.asking}
    </>
  );
}

function Expiry({ row }: { row: Token }) {
  if (!row.expires_ms) return <span className="muted">never</span>;
  const left_ms = row.expires_ms - Date.now();
  if (left_ms <= 0) return <Status tone="bad">expired</Status>;
  return left_ms < SOON_MS ? <Status tone="warn" title={moment(row.expires_ms)}>{relative(row.expires_ms)}</Status> : <span title={moment(row.expires_ms)}>{relative(row.expires_ms)}</span>;
}

function TokenForm({ onMade }: { onMade: (token: Made) => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState("viewer");
  const [life, setLife] = useState(String(90 * DAY_S));
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<unknown>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!name) return;
    setBusy(true);
    setRefused(null);
    try {
      onMade(await post<Made>("tokens", { name, role, expires_in_s: Number(life) }));
    } catch (error) {
      setRefused(error);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Stack gap="md">
        <TextInput label="Name" withAsterisk data-autofocus description="What it is for: it is written beside each change." placeholder="deploy-pipeline" value={name} onChange={(event) => setName(event.currentTarget.value)} error={tried && !name ? "Required" : undefined} autoComplete="off" />
        <RoleSelect value={role} onChange={setRole} />
        <Select label="Expires" data={LIVES} value={life} onChange={(next) => next && setLife(next)} allowDeselect={false} />
        {refused !== null && <Refused words={wordsOf(refused)} />}
        <Button type="submit" size="sm" loading={busy}>Create the token</Button>
      </Stack>
    </form>
  );
}

/** Shows the value, once. It closes by its button only, so that a stray click does not lose the value. */
function TokenDialog({ made, onClose }: { made: Made; onClose: () => void }) {
  const origin = window.location.origin;
  return (
    <Modal opened onClose={onClose} closeOnClickOutside={false} closeOnEscape={false} withCloseButton={false} size="lg" title={`The token ${made.name} is created`}>
      <Stack gap="md">
        <Alert color="yellow" icon={<Icon name="warning" />}>Copy the value now. It is stored as a hash, and cannot be shown again.</Alert>
        <Group align="flex-end" gap="xs" wrap="nowrap">
          <PasswordInput label="Value" value={made.value} readOnly style={{ flex: 1 }} styles={{ innerInput: { fontFamily: "var(--mantine-font-family-monospace)" } }} autoComplete="off" visibilityToggleButtonProps={{ "aria-label": "Show the value" }} />
          <CopyButton value={made.value}>Copy the value</CopyButton>
        </Group>
        <Tabs defaultValue="cli" keepMounted={false}>
          <Tabs.List mb="xs"><Tabs.Tab value="cli">Command line</Tabs.Tab><Tabs.Tab value="curl">curl</Tabs.Tab></Tabs.List>
          <Tabs.Panel value="cli"><CodeBlock code={`export ASBRU_URL=${origin}\nexport ASBRU_TOKEN=${made.value}\nasbru keys list`} /></Tabs.Panel>
          <Tabs.Panel value="curl"><CodeBlock code={`curl ${origin}/api/v1/me \\\n  -H "Authorization: Bearer ${made.value}"`} /></Tabs.Panel>
        </Tabs>
        <Group justify="flex-end"><Button onClick={onClose}>I have stored it</Button></Group>
      </Stack>
    </Modal>
  );
}
