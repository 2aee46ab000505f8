// Owners as a tree: customer, its teams, their keys. What belongs to an owner is asked for when its row is opened.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { OwnerList, OwnerName, OwnerNote, OwnerRow, ownerName } from "@/kit/owner-row";
import { Problem } from "@/kit/problem";
import { standingsOf, useStandings } from "@/kit/standing";
import { Status } from "@/kit/status";
import type { Standing, VirtualKey } from "@/kit/types";
import { CHILDREN_MAX, keysOfQuery, type Owner, teamsOfQuery } from "./queries";

const nameOf = (one: { name: string }) => one.name;

export interface TreeProps {
  opened: ReadonlySet<string>;
  onToggle: (id: string) => void;
  onEdit: (kind: "team" | "customer", name: string) => void;
  actions: (kind: "team" | "customer", owner: Owner) => ReactNode;
}

interface BranchProps extends TreeProps {
  kind: "team" | "customer";
  owner: Owner;
  standings: readonly Standing[];
  /** Below a customer its name need not be said again. */
  inside?: boolean;
}

export function Branch({ kind, owner, standings, inside = false, ...tree }: BranchProps) {
  const id = `${kind}/${owner.name}`;
  const customer = kind === "team" && !inside && owner.customer ? `of ${owner.customer}` : "";
  const sub = [inside ? "team" : "", customer, owner.source === "file" ? "in the configuration file" : ""].filter(Boolean).join(" · ");
  return (
    <OwnerRow
      name={owner.name}
      title={<OwnerName onClick={() => tree.onEdit(kind, owner.name)}>{owner.name}</OwnerName>}
      sub={sub}
      limited={owner}
      standings={standingsOf(standings, kind, owner.name)}
      actions={tree.actions(kind, owner)}
      opened={tree.opened.has(id)}
      onToggle={() => tree.onToggle(id)}
    >
      {kind === "team" ? <KeysOf owner="team" name={owner.name} /> : <InCustomer name={owner.name} {...tree} />}
    </OwnerRow>
  );
}

function InCustomer({ name, ...tree }: TreeProps & { name: string }) {
  const teams = useQuery(teamsOfQuery(name));
  const rows = teams.data?.items ?? [];
  const standings = useStandings("team", [rows], nameOf);
  if (teams.error) return <Problem error={teams.error} what={`The teams of ${name}`} retry={() => void teams.refetch()} />;
  return (
    <>
      {rows.length > 0 && (
        <OwnerList inside label={`Teams of ${name}`}>
          {rows.map((team) => <Branch key={team.id} kind="team" owner={team} standings={standings} inside {...tree} />)}
        </OwnerList>
      )}
      <KeysOf owner="customer" name={name} quiet={rows.length > 0} />
    </>
  );
}

/** The keys of an owner. `quiet`: nothing is said where there are none. */
function KeysOf({ owner, name, quiet = false }: { owner: "team" | "customer"; name: string; quiet?: boolean }) {
  const keys = useQuery(keysOfQuery(owner, name));
  const rows = keys.data?.items ?? [];
  const standings = useStandings("key", [rows], nameOf);
  if (keys.error) return <Problem error={keys.error} what={`The keys of ${name}`} retry={() => void keys.refetch()} />;
  if (!keys.data) return <OwnerNote>Loading…</OwnerNote>;
  if (rows.length === 0) return quiet ? null : <OwnerNote>No key belongs to {name}. Choose it as the {owner} of a key on the page <Link to={"/keys" as string}>Virtual keys</Link>.</OwnerNote>;
  return (
    <>
      <OwnerList inside label={`Keys of ${name}`}>
        {rows.map((key) => <KeyRow key={key.id} row={key} standings={standings} />)}
      </OwnerList>
      {keys.data.next && <OwnerNote>The first {CHILDREN_MAX} keys are shown.</OwnerNote>}
    </>
  );
}

function KeyRow({ row, standings }: { row: VirtualKey; standings: readonly Standing[] }) {
  return (
    <OwnerRow
      name={row.name}
      title={<Link className={ownerName} to={"/keys" as string} search={{ key: row.name } as never}>{row.name}</Link>}
      sub={row.active ? "virtual key" : <>virtual key · <Status tone="plain">off</Status></>}
      limited={row}
      standings={standingsOf(standings, "key", row.name)}
    />
  );
}
