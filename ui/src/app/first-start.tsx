// The first start: the first admin, a provider that answers (or the mock), a key with lines to copy, and the first call,
// seen as it arrives. Each step stores what it creates, so the page can be left and opened again: it goes on with the
// key if there is a provider that was added here.

import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { get } from "@/kit/api";
import { Mark } from "@/kit/icons";
import { keys } from "@/kit/query";
import { meQuery } from "@/kit/session";
import type { Page, Stored } from "@/kit/types";
import classes from "./shell.module.css";
import { Administrator } from "./start/administrator";
import { FirstCall } from "./start/first-call";
import { Key } from "./start/key";
import { Provider } from "./start/provider";
import type { Made } from "./start/step";

const STEPS = ["Administrator", "Provider", "Key", "First call"] as const;
const PROVIDERS_MAX = 100;

export default function FirstStart() {
  const me = useQuery({ ...meQuery, refetchOnWindowFocus: false });
  const [wasIn] = useState(me.isSuccess);
  const added = useQuery({ queryKey: keys.list("providers", { added: true }), queryFn: readAdded, enabled: wasIn, staleTime: Infinity });
  const [step, setStep] = useState(0);
  const [provider, setProvider] = useState<string | null>(null);
  const [made, setMade] = useState<Made | null>(null);
  useEffect(() => {
    document.title = "First start · Asbru";
  }, []);
  if (me.isPending || (wasIn && added.isPending)) return null;
  const known = provider ?? added.data ?? null;
  const shown = step > 0 || !me.isSuccess ? step : known === null ? 1 : 2;
  return (
    <main className={classes.center} style={{ paddingTop: "7vh" }}>
      <div className={`${classes.panel} ${classes.wide}`}>
        <h1 className={classes.panelBrand}><Mark size={30} />Welcome to Asbru</h1>
        <ol className={classes.steps} aria-label="Steps">
          {STEPS.map((label, index) => (
            <li key={label} aria-current={index === shown ? "step" : undefined} data-done={index < shown}>{index < shown ? `✓ ${label}` : `${index + 1}. ${label}`}</li>
          ))}
        </ol>
        {shown === 0 && <Administrator onDone={() => setStep(1)} />}
        {shown === 1 && <Provider onDone={(name) => { setProvider(name); setStep(2); }} />}
        {shown === 2 && <Key onDone={(key) => { setMade(key); setStep(3); }} />}
        {shown === 3 && made && known !== null && <FirstCall made={made} provider={known} />}
        {shown > 0 && shown < 3 && <Anchor component={Link} to="/" size="sm" mt="lg" display="inline-block">Skip, and open the UI</Anchor>}
      </div>
    </main>
  );
}

/** The name of a provider that was added over the API; null for none. */
async function readAdded({ signal }: { signal: AbortSignal }): Promise<string | null> {
  const { items } = await get<Page<Stored & { name: string }>>("providers", { limit: PROVIDERS_MAX }, signal);
  return items.find((one) => one.source === "api")?.name ?? null;
}
