// What the cache of replies holds, how often it served and what that saved; and clearing it.

import { Alert, Button, NativeSelect, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { get, remove } from "@/kit/api";
import { Chart } from "@/kit/chart";
import { Confirm, type Question } from "@/kit/confirm";
import { Figure, Figures } from "@/kit/figure";
import { bytes, count, duration, exact, exactMoney, money, percent, short } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import { keys } from "@/kit/query";
import { RangePicker } from "@/kit/range-picker";
import { RANGE_DEFAULT, spanOf } from "@/kit/ranges";
import { useMay } from "@/kit/session";
import { toastDone } from "@/kit/toasts";
import { useUrlState } from "@/kit/url-state";
import classes from "./cache.module.css";
import { BY, type By, clearingPath, clearingWords } from "./clearing";
import type { CacheReport, CacheStep, CacheUse } from "./types";

export default function CacheView() {
  const [url, setUrl] = useUrlState({ range: RANGE_DEFAULT as string });
  const report = useQuery({
    queryKey: [...keys.list("cache"), url.range],
    queryFn: ({ signal }) => get<CacheReport>("cache", { ...spanOf(url.range, Date.now()) }, signal),
  });
  const mayClear = useMay("cache:write");
  return (
    <>
      <PageHeader title="Cache" words="Replies that are kept and served again.">
        <RangePicker value={url.range} onChange={(range) => setUrl({ range }, { push: true })} />
      </PageHeader>
      {report.error && !report.data ? <Problem error={report.error} what="The state of the cache" retry={() => void report.refetch()} /> : !report.data ? <p className="muted late">Loading…</p> : (
        <div className={classes.page}>
          <Off report={report.data} />
          <Use report={report.data} />
          <OverTime steps={report.data.steps} />
          <Shadow use={report.data.use} />
          {mayClear && <Clearing />}
        </div>
      )}
    </>
  );
}

/** Said where nothing has happened: most likely the cache is off. */
function Off({ report: { use, memory, database } }: { report: CacheReport }) {
  if (use.hits + use.misses + use.refreshes + use.off + memory.entries + database.entries > 0) return null;
  return (
    <Alert icon={<Icon name="help" />} title="No call has used the cache in this time">
      It is off unless <code>cache.enabled</code> is on, in the <Link {...({ search: { search: "cache." } } as object)} to={"/settings" as string}>settings</Link> or in the configuration file.
    </Alert>
  );
}

function Use({ report: { use, memory, database } }: { report: CacheReport }) {
  const search = { cache: "hit" };
  return (
    <Figures>
      <Figure label="Hit rate" value={percent(use.hit_rate)} exact={`${exact(use.hits)} hits, ${exact(use.misses)} misses`} />
      <Figure label="From the cache" value={short(use.hits)} exact={`${count(use.hits, "call")}, ${exact(use.semantic)} of them asked in other words`} to="/records" search={search} />
      <Figure label="From providers" value={short(use.misses + use.refreshes)} exact={`${exact(use.misses)} misses, ${exact(use.refreshes)} refreshed; ${exact(use.off)} kept out`} />
      <Figure label="Saved" value={money(use.saved_nanousd)} exact={exactMoney(use.saved_nanousd)} />
      <Figure label="Time saved" value={duration(use.saved_us)} exact={`${exact(Math.round(use.saved_us / 1000))} ms`} />
      <Figure label="In memory" value={bytes(memory.bytes)} exact={`${count(memory.entries, "entry", "entries")} in all workers`} />
      <Figure label="In the database" value={bytes(database.bytes)} exact={count(database.entries, "entry", "entries")} />
    </Figures>
  );
}

/** How the hit rate and what it saved went; nothing where the cache had no part in any call. */
function OverTime({ steps }: { steps: CacheStep[] }) {
  if (!steps.some((one) => one.hits + one.misses > 0)) return null;
  const at = steps.map((one) => one.started_ms);
  const calls = [
    { label: "Hits", values: steps.map((one) => one.hits), color: "--c1", area: true },
    { label: "Misses", values: steps.map((one) => one.misses), color: "--c2", area: true },
  ];
  const saved = [{ label: "Saved", values: steps.map((one) => one.saved_nanousd), color: "--c3", area: true }];
  return (
    <div className={classes.charts}>
      <Chart title="Hits and misses" at_ms={at} series={calls} show={short} unit="count" stacked />
      <Chart title="Saved over time" at_ms={at} series={saved} show={money} />
    </div>
  );
}

/** What shadow mode found: an operator who turns serving on should know how often it would be wrong. */
function Shadow({ use }: { use: CacheUse }) {
  const all = use.shadow_agreed + use.shadow_differed;
  if (all === 0) return null;
  return (
    <section className={classes.section} aria-label="Shadow mode">
      <h2>Shadow mode</h2>
      <Figures>
        <Figure label="Would have been served" value={short(all)} exact={`${exact(all)} of ${exact(use.misses)} misses`} />
        <Figure label="Agreed with the provider" value={percent(use.shadow_agreed / all)} exact={`${exact(use.shadow_agreed)} of ${exact(all)}`} to="/records" search={{ cache: "shadow_agreed" }} />
        <Figure label="Differed" value={short(use.shadow_differed)} exact={exact(use.shadow_differed)} to="/records" search={{ cache: "shadow_differed" }} />
      </Figures>
    </section>
  );
}

function Clearing() {
  const client = useQueryClient();
  const [by, setBy] = useState<By>("tag");
  const [word, setWord] = useState("");
  const [question, setQuestion] = useState<Question | null>(null);
  const path = clearingPath(by, word);
  const ask = () => path && setQuestion({
    title: "Clear the cache?",
    words: <>{clearingWords(by, word)} Calls that ask the same are sent to providers again.</>,
    action: "Clear",
    run: async () => {
      await remove(path);
      toastDone("The cache is cleared.");
      setWord("");
      await client.invalidateQueries({ queryKey: keys.list("cache") });
    },
  });
  return (
    <section className={classes.section} aria-label="Clear">
      <h2>Clear</h2>
      <form className={classes.clearing} onSubmit={(event) => { event.preventDefault(); ask(); }}>
        <NativeSelect label="Entries by" value={by} onChange={(event) => setBy(event.currentTarget.value as By)} data={BY.map(({ value, label }) => ({ value, label }))} />
        {by === "all" ? <span /> : <TextInput label={BY.find((one) => one.value === by)!.label} description={BY.find((one) => one.value === by)!.help} value={word} onChange={(event) => setWord(event.currentTarget.value)} autoComplete="off" spellCheck={false} />}
        <Button type="submit" variant="default" leftSection={<Icon name="trash" size={14} />} disabled={path === null}>Clear…</Button>
      </form>
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </section>
  );
}
