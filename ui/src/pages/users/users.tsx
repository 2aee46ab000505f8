import { ActionIcon, Button, Menu, Modal, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useMemo, useState } from "react";
import { ApiError, get, idPath, patch, post, wordsOf } from "@/kit/api";
import { ConflictDialog } from "@/kit/conflict-dialog";
import { type Column, DataTable } from "@/kit/data-table";
import { moment, relative } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { useNoun } from "@/kit/noun";
import { Problem } from "@/kit/problem";
import { useMay, useMe } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { toastDone } from "@/kit/toasts";
import { useUrlState } from "@/kit/url-state";
import { scopeWords } from "./permissions";
import { rolesQuery, usersQuery } from "./queries";
import { Refused, RoleSelect } from "./role-select";
import type { User } from "./types";

const PASSWORD_CHARS_MIN = 12;

export function UsersTab() {
  const me = useMe();
  const [url, setUrl] = useUrlState<{ user: string | undefined; new: string | undefined }>({ user: undefined, new: undefined });
  const noun = useNoun("users");
  const mayWrite = useMay("users:write");
  const users = useQuery(usersQuery);
  const roles = useQuery(rolesQuery);
  const rows = users.data ?? [];
  const edited = rows.find((row) => row.name === url.user);
  useShortcuts(useMemo(() => (mayWrite ? [{ keys: "c", words: "Create a user", run: () => setUrl({ new: "1" }, { push: true }) }] : []), [mayWrite, setUrl]));
  const askDelete = (row: User) =>
    noun.askDelete({
      id: row.name,
      name: row.name,
      words: "The person is logged out at once and cannot log in any more. Keys and tokens that the person has created stay. This cannot be undone.",
      typed: true,
      version: row.version,
    });
  const columns = useMemo<Column<User>[]>(() => [
    { id: "name", header: "Name", width: 180, grow: 1.4, rank: 1, cell: (row) => <strong style={{ fontWeight: 600 }}>{row.name}{me?.via === "session" && me.name.replace(/^user\//, "") === row.name && <span className="muted" style={{ fontWeight: 400 }}> (you)</span>}</strong> },
    { id: "role", header: "Role", width: 130, rank: 2, cell: (row) => row.role },
    { id: "scope", header: "Sees", width: 180, grow: 1.4, rank: 3, cell: (row) => { const role = roles.data?.find((one) => one.name === row.role); return role ? scopeWords(role.scope) : ""; } },
    { id: "made", header: "Created", width: 120, rank: 4, cell: (row) => <span className="muted" title={moment(row.made_ms)}>{relative(row.made_ms)}</span> },
  ], [roles.data, me]);

  if (users.error && !users.data) return <Problem error={users.error} what="The users" retry={() => void users.refetch()} />;
  return (
    <>
      <DataTable
        name="Users"
        columns={columns}
        rows={rows}
        rowKey={(row) => row.name}
        loading={!users.data}
        {...(mayWrite ? { onOpen: (row: User) => setUrl({ user: row.name }, { push: true }) } : {})}
        actions={(row) => (
          <Menu>
            <Menu.Target><ActionIcon aria-label={`Actions for ${row.name}`}><Icon name="more" /></ActionIcon></Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<Icon name="clock" />} component={Link} {...({ to: "/changes", search: { kind: "user", object: row.name } } as object)}>Changes to this user</Menu.Item>
              {mayWrite && <Menu.Item leftSection={<Icon name="edit" />} onClick={() => setUrl({ user: row.name }, { push: true })}>Role and password</Menu.Item>}
              {mayWrite && <Menu.Divider />}
              {mayWrite && <Menu.Item color="red" leftSection={<Icon name="trash" />} onClick={() => askDelete(row)}>Delete</Menu.Item>}
            </Menu.Dropdown>
          </Menu>
        )}
      />
      <Modal opened={mayWrite && (url.new !== undefined || edited !== undefined)} onClose={() => setUrl({ user: undefined, new: undefined })} title={edited ? edited.name : "New user"} closeButtonProps={{ "aria-label": "Close" }}>
        <UserForm
          key={edited?.name ?? ""}
          user={edited}
          onDone={async (words) => {
            setUrl({ user: undefined, new: undefined });
            toastDone(words);
            await noun.reread();
          }}
        />
      </Modal>
      {noun.asking}
    </>
  );
}

function UserForm({ user: seen, onDone }: { user: User | undefined; onDone: (words: string) => Promise<void> }) {
  const [user, setUser] = useState(seen);
  const [theirs, setTheirs] = useState<User | null>(null);
  const [name, setName] = useState("");
  const [role, setRole] = useState(user?.role ?? "viewer");
  const [password, setPassword] = useState("");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<unknown>(null);
  const tooShort = (password !== "" || !user) && password.length < PASSWORD_CHARS_MIN;
  const save = async (from: User | undefined) => {
    setBusy(true);
    setRefused(null);
    try {
      if (from) await patch(`users/${idPath(from.name)}`, { ...(role !== from.role ? { role } : {}), ...(password ? { password } : {}) }, from.version);
      else await post("users", { name, role, password });
      await onDone(from ? `${from.name} is saved.` : `${name} may log in.`);
    } catch (error) {
      if (from && error instanceof ApiError && error.status === 412) setTheirs(await get<User>(`users/${idPath(from.name)}`));
      else setRefused(error);
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!tooShort && (user || name)) void save(user);
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        {!user && <TextInput label="Name" withAsterisk data-autofocus placeholder="ann@example.com" value={name} onChange={(event) => setName(event.currentTarget.value)} error={tried && !name ? "Required" : undefined} autoComplete="off" />}
        <RoleSelect value={role} onChange={setRole} />
        <PasswordInput
          label={user ? "New password" : "Password"}
          withAsterisk={!user}
          description={user ? "Empty: it stays as it is." : `At least ${PASSWORD_CHARS_MIN} characters. Tell it to the person on another way.`}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          error={tried && tooShort ? `At least ${PASSWORD_CHARS_MIN} characters` : undefined}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
        />
        {user && <span className="muted">Saving ends the sessions of {user.name}, who has to log in again.</span>}
        {refused !== null && <Refused words={wordsOf(refused)} />}
        <Button type="submit" size="sm" loading={busy} disabled={user !== undefined && role === user.role && password === ""}>{user ? "Save" : "Create the user"}</Button>
      </Stack>
      {user && theirs && (
        <ConflictDialog
          before={{ role: user.role, version: user.version }}
          theirs={{ role: theirs.role, version: theirs.version }}
          yours={{ role, version: user.version, ...(password ? { password: "a new one" } : {}) }}
          onTheirs={() => {
            setUser(theirs);
            setRole(theirs.role);
            setPassword("");
            setTheirs(null);
          }}
          onYours={() => {
            setUser(theirs);
            setTheirs(null);
            void save(theirs);
          }}
          onClose={() => setTheirs(null)}
        />
      )}
    </form>
  );
}
