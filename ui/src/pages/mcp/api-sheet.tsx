// A server made from a document of an HTTP API: the document, the tools that it would become, and which of them are wanted.

import { Alert, Button, Checkbox, Drawer, FileButton, Group, PasswordInput, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { post } from "@/kit/api";
import { count } from "@/kit/format";
import { Problem } from "@/kit/problem";
import { documentServer, nameFor, type Previewed } from "./api-document";
import classes from "./mcp.module.css";

export function ApiSheet({ opened, onClose, onCreate }: { opened: boolean; onClose: () => void; onCreate: (body: Record<string, unknown>) => Promise<void> }) {
  return (
    <Drawer opened={opened} onClose={onClose} title="New server from an API document" size={720} styles={{ title: { fontWeight: 600, fontSize: "1rem" } }} closeButtonProps={{ "aria-label": "Close" }}>
      {opened && <Sheet onCreate={onCreate} />}
    </Drawer>
  );
}

function Sheet({ onCreate }: { onCreate: (body: Record<string, unknown>) => Promise<void> }) {
  const [text, setText] = useState("");
  const [shown, setShown] = useState<Previewed>();
  const [failed, setFailed] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const run = async (work: () => Promise<void>) => {
    setBusy(true);
    setFailed(undefined);
    try {
      await work();
    } catch (error) {
      setFailed(error);
    }
    setBusy(false);
  };
  const change = (document: string) => { setText(document); setShown(undefined); };
  return (
    <>
      <Textarea label="Document" description="OpenAPI 3.0 or 3.1, or a Postman collection 2.1; JSON or YAML" value={text} onChange={(event) => change(event.currentTarget.value)} minRows={6} maxRows={12} autosize classNames={{ input: "mono" }} spellCheck={false} />
      <Group gap="xs" mt="xs" mb="md">
        <FileButton onChange={(file) => { if (file) void file.text().then(change); }} accept=".json,.yaml,.yml">
          {(props) => <Button variant="default" {...props}>Read a file…</Button>}
        </FileButton>
        <Button disabled={!text.trim() || busy} onClick={() => void run(async () => setShown(await post<Previewed>("mcp/preview", { document: text })))}>Preview</Button>
      </Group>
      {failed !== undefined && <Problem error={failed} what={shown ? "The server" : "The document"} />}
      {shown && <Choice key={text} shown={shown} busy={busy} create={(form) => void run(() => onCreate(documentServer(text, form)))} />}
    </>
  );
}

type Form = Parameters<typeof documentServer>[1];

/** What the document would become, to choose from. */
function Choice({ shown, busy, create }: { shown: Previewed; busy: boolean; create: (form: Form) => void }) {
  const [name, setName] = useState(nameFor(shown.title));
  const [address, setAddress] = useState(shown.url);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [credentials, setCredentials] = useState<Record<string, string>>({});
  const wanted = shown.tools.filter((tool) => !left.has(tool.name)).map((tool) => tool.name);
  return (
    <>
      <section className={classes.section} aria-label="Operations">
        <Group justify="space-between">
          <h3>{count(shown.tools.length, "operation")}, {wanted.length} chosen</h3>
          <Button size="xs" variant="default" onClick={() => setLeft(new Set(wanted.length > 0 ? shown.tools.map((tool) => tool.name) : []))}>{wanted.length > 0 ? "Choose none" : "Choose all"}</Button>
        </Group>
        {shown.tools.map((tool) => (
          <Checkbox
            key={tool.name}
            checked={!left.has(tool.name)}
            onChange={() => setLeft(left.has(tool.name) ? new Set([...left].filter((one) => one !== tool.name)) : new Set([...left, tool.name]))}
            label={<><span className="mono">{tool.name}</span> <span className="muted">{tool.method} {tool.path}</span></>}
            description={tool.description === tool.name ? undefined : tool.description}
          />
        ))}
      </section>
      {shown.skipped.length > 0 && (
        <Alert color="yellow" title={`${count(shown.skipped.length, "operation")} left out`}>
          <ul>{shown.skipped.map((one) => <li key={one}>{one}</li>)}</ul>
        </Alert>
      )}
      <section className={classes.section} aria-label="The server">
        <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="off" />
        <TextInput label="Address of the API" value={address} onChange={(event) => setAddress(event.currentTarget.value)} autoComplete="off" />
        {shown.schemes.map((scheme) => (
          <PasswordInput key={scheme} label={`Credential: ${scheme}`} value={credentials[scheme] ?? ""} onChange={(event) => setCredentials({ ...credentials, [scheme]: event.currentTarget.value })} autoComplete="off" />
        ))}
        <Group><Button disabled={busy || !name || wanted.length === 0} onClick={() => create({ name, address, wanted, all: wanted.length === shown.tools.length, credentials })}>Create the server</Button></Group>
      </section>
    </>
  );
}
