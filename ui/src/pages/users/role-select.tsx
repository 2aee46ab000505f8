import { Alert, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { rolesQuery } from "./queries";
import { scopeWords } from "./permissions";

const BUILT_IN: Record<string, string> = {
  viewer: "sees everything but secrets and what was said in calls",
  editor: "changes what is served, and sees what was said in calls",
  admin: "everything, with settings, users, tokens and roles",
};

/** Chooses a role, and says what it is in a line. */
export function RoleSelect({ value, onChange }: { value: string; onChange: (role: string) => void }) {
  const roles = useQuery(rolesQuery);
  const chosen = roles.data?.find((one) => one.name === value);
  const words = BUILT_IN[value] ?? (chosen ? `${chosen.permissions.length} permissions on ${scopeWords(chosen.scope)}` : undefined);
  const names = roles.data?.map((one) => one.name) ?? [value];
  return <Select label="Role" description={words} inputWrapperOrder={["label", "input", "description", "error"]} data={names} value={value} onChange={(next) => next && onChange(next)} allowDeselect={false} />;
}

export function Refused({ words }: { words: string }) {
  return <Alert color="red" role="alert">{words}</Alert>;
}
