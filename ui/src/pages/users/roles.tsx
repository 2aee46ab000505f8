import { ActionIcon, Alert, Button, Checkbox, Drawer, Group, Menu, MultiSelect, Radio, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import { ApiError, get, idPath, patch, post, wordsOf } from "@/kit/api";
import { ConflictDialog } from "@/kit/conflict-dialog";
import { type Column, DataTable } from "@/kit/data-table";
import { count } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { useNoun } from "@/kit/noun";
import { Problem } from "@/kit/problem";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { toastDone } from "@/kit/toasts";
import { useUrlState } from "@/kit/url-state";
import { merged, nounsOf, type Permission, scopeWords, withPermission } from "./permissions";
import { permissionsQuery, rolesQuery, teamNamesQuery } from "./queries";
import { Refused } from "./role-select";
import type { Role } from "./types";
import classes from "./users.module.css";

const NEW: Role = { name: "", permissions: [], scope: { kind: "all", teams: [] }, built_in: false, version: 0 };
const NONE: Permission[] = [];
const ROLE_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;

export function RolesTab() {
  const [url, setUrl] = useUrlState<{ role: string | undefined; new: string | undefined }>({ role: undefined, new: undefined });
  const noun = useNoun("roles");
  const mayWrite = useMay("roles:write");
  const roles = useQuery(rolesQuery);
  const rows = roles.data ?? [];
  const permissions = useQuery(permissionsQuery);
  const known = permissions.data ?? NONE;
  const names = useMemo(() => known.map((one) => one.name), [known]);
  const from = rows.find((row) => row.name === url.new);
  const edited = rows.find((row) => row.name === url.role);
  useShortcuts(useMemo(() => (mayWrite ? [{ keys: "c", words: "Create a role", run: () => setUrl({ new: "1" }, { push: true }) }] : []), [mayWrite, setUrl]));
  const askDelete = (row: Role) =>
    noun.askDelete({
      id: row.name,
      name: row.name,
      title: `Delete the role ${row.name}?`,
      words: "It is refused as long as a user or a token has it.",
      version: row.version,
      done: `The role ${row.name} is deleted.`,
      undo: { name: row.name, permissions: row.permissions, scope: row.scope },
    });
  const columns = useMemo<Column<Role>[]>(() => [
    { id: "name", header: "Name", width: 160, grow: 1.2, rank: 1, cell: (row) => <><strong style={{ fontWeight: 600 }}>{row.name}</strong>{row.built_in && <span className="muted"> built in</span>}</> },
    { id: "sees", header: "On", width: 180, grow: 1.4, rank: 2, cell: (row) => scopeWords(row.scope) },
    { id: "reads", header: "Reads", width: 110, rank: 3, cell: (row) => kinds(row, "read", names) },
    { id: "changes", header: "Changes", width: 110, rank: 3, cell: (row) => kinds(row, "write", names) },
  ], [names]);
  const close = () => setUrl({ role: undefined, new: undefined });

  if (roles.error && !roles.data) return <Problem error={roles.error} what="The roles" retry={() => void roles.refetch()} />;
  return (
    <>
      <DataTable
        name="Roles"
        columns={columns}
        rows={rows}
        rowKey={(row) => row.name}
        loading={!roles.data}
        onOpen={(row) => setUrl({ role: row.name }, { push: true })}
        chosen={url.role}
        actions={(row) => mayWrite && (
          <Menu>
            <Menu.Target><ActionIcon aria-label={`Actions for ${row.name}`}><Icon name="more" /></ActionIcon></Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<Icon name="copy" />} onClick={() => setUrl({ new: row.name }, { push: true })}>New role like this</Menu.Item>
              {!row.built_in && <Menu.Item leftSection={<Icon name="edit" />} onClick={() => setUrl({ role: row.name }, { push: true })}>Edit</Menu.Item>}
              {!row.built_in && <Menu.Divider />}
              {!row.built_in && <Menu.Item color="red" leftSection={<Icon name="trash" />} onClick={() => askDelete(row)}>Delete</Menu.Item>}
            </Menu.Dropdown>
          </Menu>
        )}
      />
      <Drawer opened={roles.data !== undefined && permissions.data !== undefined && (url.new !== undefined || edited !== undefined)} onClose={close} title={edited ? `Role ${edited.name}` : "New role"} styles={{ title: { fontWeight: 600, fontSize: "1rem" } }} closeButtonProps={{ "aria-label": "Close" }}>
        <RoleForm
          key={edited?.name ?? `new ${url.new}`}
          role={edited ?? { ...NEW, ...(from ? { permissions: from.permissions, scope: from.scope } : {}) }}
          isNew={!edited}
          known={known}
          readOnly={!mayWrite || (edited?.built_in ?? false)}
          onClose={close}
          onDone={async (words) => {
            close();
            toastDone(words);
            await noun.reread();
          }}
        />
      </Drawer>
      {noun.asking}
    </>
  );
}

function kinds(role: Role, verb: string, known: readonly string[]) {
  const all = known.filter((one) => one.endsWith(`:${verb}`)).length;
  const given = role.permissions.filter((one) => one.endsWith(`:${verb}`)).length;
  if (given === 0) return <span className="muted">nothing</span>;
  return <span title={role.permissions.filter((one) => one.endsWith(`:${verb}`)).join(", ")}>{given === all ? "everything" : count(given, "kind")}</span>;
}

interface FormProps {
  role: Role;
  isNew: boolean;
  known: readonly Permission[];
  readOnly: boolean;
  onClose: () => void;
  onDone: (words: string) => Promise<void>;
}

function RoleForm({ role: seen, isNew, known, readOnly, onClose, onDone }: FormProps) {
  const [role, setRole] = useState(seen);
  const [theirs, setTheirs] = useState<Role | null>(null);
  const [name, setName] = useState(role.name);
  const [permissions, setPermissions] = useState(role.permissions);
  const [scope, setScope] = useState(role.scope);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<unknown>(null);
  const teams = useQuery({ ...teamNamesQuery, enabled: scope.kind === "team" && !readOnly });
  const badName = ROLE_NAME.test(name) ? undefined : "Small letters, digits, - and _";
  const noTeam = scope.kind === "team" && scope.teams.length === 0;
  const rescope = (kind: string) => {
    setScope({ kind: kind as Role["scope"]["kind"], teams: kind === "team" ? scope.teams : [] });
    if (kind !== "all") setPermissions(permissions.filter((one) => known.some((other) => other.scoped && other.name === one)));
  };
  const save = async (from: Role, body: Pick<Role, "permissions" | "scope">) => {
    setBusy(true);
    setRefused(null);
    try {
      if (isNew) await post("roles", { name, ...body });
      else await patch(`roles/${idPath(from.name)}`, body, from.version);
      await onDone(isNew ? `The role ${name} is created.` : `The role ${from.name} is saved; it holds at once.`);
    } catch (error) {
      if (!isNew && error instanceof ApiError && error.status === 412) setTheirs(await get<Role>(`roles/${idPath(from.name)}`));
      else setRefused(error);
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!(isNew && badName) && !noTeam) void save(role, { permissions, scope });
  };
  /** The members that are mine, where I have changed them. */
  const onTop = (of: Role) => ({
    permissions: merged(role.permissions, of.permissions, permissions),
    scope: JSON.stringify(scope) === JSON.stringify(role.scope) ? of.scope : scope,
  });
  const take = (of: Role, members: Pick<Role, "permissions" | "scope">) => {
    setRole(of);
    setPermissions(members.permissions);
    setScope(members.scope);
    setTheirs(null);
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="lg">
        {readOnly && <Alert color="gray">{role.built_in ? "This role is built in. Create one like it to change something." : "You may read roles, but not change them."}</Alert>}
        {isNew && <TextInput label="Name" withAsterisk placeholder="team-lead" value={name} onChange={(event) => setName(event.currentTarget.value)} error={(tried || name) && badName ? badName : undefined} autoComplete="off" />}
        <Radio.Group label="Whose data" description="Whose keys, records and spend there are to see and to change." value={scope.kind} onChange={rescope} readOnly={readOnly}>
          <Stack gap={8} mt="xs">
            <Radio value="all" label="Everything" disabled={readOnly} />
            <Radio value="team" label="Some teams" disabled={readOnly} />
            <Radio value="own" label="The keys that the user or token has created" disabled={readOnly} />
          </Stack>
        </Radio.Group>
        {scope.kind === "team" && <MultiSelect label="Teams" withAsterisk data={[...new Set([...(teams.data ?? []), ...scope.teams])]} value={scope.teams} onChange={(next) => setScope({ kind: "team", teams: next })} searchable readOnly={readOnly} error={tried && noTeam ? "Choose at least one" : undefined} placeholder={scope.teams.length ? undefined : "Choose teams"} />}
        <Matrix permissions={permissions} known={known} isWhole={scope.kind === "all"} readOnly={readOnly} onChange={setPermissions} />
        {refused !== null && <Refused words={wordsOf(refused)} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>{readOnly ? "Close" : "Cancel"}</Button>
          {!readOnly && <Button type="submit" loading={busy}>{isNew ? "Create the role" : "Save"}</Button>}
        </Group>
      </Stack>
      {theirs && (
        <ConflictDialog
          before={{ permissions: role.permissions, scope: role.scope }}
          theirs={{ permissions: theirs.permissions, scope: theirs.scope }}
          yours={{ permissions, scope }}
          onTheirs={() => take(theirs, theirs)}
          onYours={() => {
            take(theirs, onTop(theirs));
            void save(theirs, onTop(theirs));
          }}
          onClose={() => setTheirs(null)}
        />
      )}
    </form>
  );
}

function Matrix({ permissions, known: all, isWhole, readOnly, onChange }: { permissions: string[]; known: readonly Permission[]; isWhole: boolean; readOnly: boolean; onChange: (permissions: string[]) => void }) {
  const given = new Set(permissions);
  const known = all.map((one) => one.name);
  const scoped = new Set(all.filter((one) => one.scoped).map((one) => one.name));
  const allowed = (one: string) => isWhole || scoped.has(one);
  const nouns = nounsOf(known);
  const setAll = (verb: string, on: boolean) => onChange(known.filter((one) => one.endsWith(`:${verb}`) && allowed(one)).reduce((so_far, one) => withPermission(so_far, one, on, known), permissions));
  return (
    <table className={classes.matrix}>
      <caption>May{!isWhole && <span className="muted"> (what is greyed out is about the whole gateway)</span>}</caption>
      <thead>
        <tr>
          <th scope="col">What</th>
          {(["read", "write"] as const).map((verb) => {
            const all = known.filter((one) => one.endsWith(`:${verb}`) && allowed(one));
            const on = all.filter((one) => given.has(one)).length;
            return (
              <th key={verb} scope="col">
                <Checkbox size="xs" label={verb === "read" ? "See" : "Change"} aria-label={verb === "read" ? "See everything" : "Change everything"} checked={on > 0 && on === all.length} indeterminate={on > 0 && on < all.length} disabled={readOnly} onChange={(event) => setAll(verb, event.currentTarget.checked)} />
              </th>
            );
          })}
        </tr>
      </thead>
      <tbody>
        {nouns.map(({ noun, words, verbs }) => (
          <tr key={noun} data-off={!verbs.some((verb) => allowed(`${noun}:${verb}`))}>
            <th scope="row">{words}</th>
            {(["read", "write"] as const).map((verb) => {
              const one = `${noun}:${verb}`;
              return (
                <td key={verb}>
                  {verbs.includes(verb) && <Checkbox size="xs" aria-label={`${verb === "read" ? "See" : noun === "playground" ? "Use" : "Change"}: ${words}`} checked={given.has(one)} disabled={readOnly || !allowed(one)} onChange={(event) => onChange(withPermission(permissions, one, event.currentTarget.checked, known))} />}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
