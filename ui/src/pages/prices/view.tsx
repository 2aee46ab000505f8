// Prices of your own: what models cost that the price data does not know, or at a negotiated price; created, edited and
// deleted here, with undo. What each model costs in the end is on the page Models.

import { ActionIcon, Anchor, Autocomplete, Button, Menu, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { get, idPath } from "@/kit/api";
import { type Column, DataTable } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { count, exactMoney, money, relative } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { useNoun } from "@/kit/noun";
import { ObjectSheet } from "@/kit/object-sheet";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import type { Value } from "@/kit/schema";
import type { Field } from "@/kit/schema-form";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { useUrlState } from "@/kit/url-state";
import { AMOUNTS, isAbout, type Price, UNITS } from "./price";
import { type Known, modelsQuery, priceQuery, pricesQuery } from "./queries";
import { Units } from "./units";

const NANOUSD = 1e9;
const NAMED_MAX = 8;
const COMMAND = "asbru prices create name='groq/llama*' input=0.05 output=0.08";
const amount = (name: string, label: string, help: string): Field => ({ name, label, help, unit: "$" });
const AMOUNT_FIELDS: readonly Field[] = [
  amount("input", "Input", "For a million tokens."),
  amount("output", "Output", "For a million tokens, also of reasoning."),
];
const MORE: readonly Field[] = [
  amount("cache_read", "Read from a prompt cache", "Empty: as input."),
  amount("cache_write", "Written to a cache", "Empty: as input."),
  amount("cache_write_1h", "Written to a cache for an hour", "Empty: as written to a cache."),
  amount("audio_input", "Audio in", "Empty: as input."),
  amount("audio_output", "Audio out", "Empty: as output."),
  amount("image_input", "Images in", "Empty: as input."),
  amount("image_output", "Images out", "Empty: as output."),
  { name: "units", render: (value, onChange, error) => <Units key="units" value={value} onChange={onChange} error={error} /> },
];

export default function PricesView() {
  const [url, setUrl] = useUrlState<{ search: string; price: string | undefined; new: string | undefined }>({ search: "", price: undefined, new: undefined });
  const searchBox = useRef<HTMLInputElement>(null);
  const mayWrite = useMay("prices:write");
  const mayModels = useMay("models:read");
  const noun = useNoun("prices", ["models"]);
  const list = useInfiniteQuery(pricesQuery(url.search));
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const isNew = url.new !== undefined;
  const chosen = useQuery({ ...priceQuery(url.price ?? ""), enabled: url.price !== undefined, placeholderData: rows.find((row) => row.id === url.price) });
  const models = useQuery({ ...modelsQuery, enabled: mayModels && (isNew || url.price !== undefined) });

  useShortcuts(useMemo(() => [
    { keys: "/", words: "Search prices", run: () => searchBox.current?.focus() },
    ...(mayWrite ? [{ keys: "c", words: "Create a price", run: () => setUrl({ new: "1" }, { push: true }) }] : []),
  ], [mayWrite, setUrl]));

  const askDelete = (row: Price) =>
    noun.askDelete({
      id: row.id,
      name: row.name,
      title: `Delete the price of ${row.name}?`,
      words: "New calls cost what the next price that fits says, or what the price data says. If neither knows the model, their cost is unknown, and budgets do not count it.",
      version: row.version,
      done: `${row.name} has no price of its own any more.`,
      undo: bodyOf(row),
      after: () => setUrl({ price: undefined }),
    });

  const columns = useMemo<Column<Price>[]>(() => [
    { id: "name", header: "Models", width: 220, grow: 2, rank: 1, cell: (row) => <strong className="mono" style={{ fontWeight: 600 }} title={row.name}>{row.name}</strong> },
    { id: "input", header: "Input", width: 90, grow: 0.5, rank: 2, align: "right", cell: (row) => <Amount of={row.input} /> },
    { id: "output", header: "Output", width: 90, grow: 0.5, rank: 2, align: "right", cell: (row) => <Amount of={row.output} /> },
    { id: "cache_read", header: "Cached", width: 90, grow: 0.5, rank: 4, align: "right", cell: (row) => <Amount of={row.cache_read} otherwise="as input" /> },
    { id: "cache_write", header: "Cache write", width: 116, grow: 0.5, rank: 5, align: "right", cell: (row) => <Amount of={row.cache_write} otherwise="as input" /> },
    { id: "audio_input", header: "Audio in", width: 90, grow: 0.5, rank: 9, align: "right", cell: (row) => <Amount of={row.audio_input} otherwise="as input" /> },
    { id: "audio_output", header: "Audio out", width: 90, grow: 0.5, rank: 9, align: "right", cell: (row) => <Amount of={row.audio_output} otherwise="as output" /> },
    { id: "units", header: "By the piece", width: 150, rank: 7, cell: (row) => Object.entries(row.units).map(([unit, usd]) => `${UNITS[unit] ?? unit} ${money(usd * NANOUSD)}`).join(", ") },
    { id: "changed", header: "Changed", width: 100, grow: 0.6, rank: 6, cell: (row) => <span className="muted">{row.source === "file" ? "in the file" : relative(row.changed_ms)}</span> },
  ], []);

  const actions = (row: Price) => (
    <Menu>
      <Menu.Target><ActionIcon aria-label={`Actions for ${row.name}`}><Icon name="more" /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Icon name="models" />} component={Link} {...({ to: "/models", search: { search: row.name.replaceAll("*", "") } } as object)}>Its models</Menu.Item>
        {mayWrite && row.source === "api" && (
          <>
            <Menu.Item leftSection={<Icon name="edit" />} onClick={() => setUrl({ price: row.id }, { push: true })}>Edit</Menu.Item>
            <Menu.Divider />
            <Menu.Item color="red" leftSection={<Icon name="trash" />} onClick={() => askDelete(row)}>Delete</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );

  const known = models.data?.items ?? [];
  const name: Field = {
    name: "name",
    render: (value, onChange, error) =>
      isNew ? (
        <Autocomplete key="name" label="Models" withAsterisk description="provider/model; * stands for any text, at the start or the end of either." placeholder="groq/llama*" data={known.map((one) => one.id)} limit={30} value={String(value ?? "")} onChange={onChange} error={error && "Expected provider/model, with * at the start or the end of either at most"} />
      ) : (
        <TextInput key="name" label="Models" readOnly variant="filled" value={String(value ?? "")} />
      ),
  };
  const newButton = mayWrite && <Button leftSection={<Icon name="plus" size={14} />} onClick={() => setUrl({ new: "1" }, { push: true })}>New price</Button>;
  const readOnly = !mayWrite ? "Your role may read prices, but not change them." : chosen.data?.source === "file" ? "This price is declared in the configuration file; change it there." : null;

  return (
    <>
      <PageHeader title="Prices" words={<>Prices of your own, in dollars for a million tokens. They come before the price data, and after prices in the configuration of a provider. What each model costs is on the page <Anchor component={Link} inherit {...({ to: "/models" } as object)}>Models</Anchor>.</>}>{newButton}</PageHeader>
      {url.price && chosen.isError && !chosen.data && <Problem error={chosen.error} what={`The price of ${url.price}`} />}
      {list.error && !list.data ? <Problem error={list.error} what="The prices" retry={() => void list.refetch()} /> : (
        <DataTable
          name="Prices"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.id}
          onOpen={(row) => setUrl({ price: row.id }, { push: true })}
          chosen={url.price}
          loading={list.isFetching && (rows.length === 0 || list.isFetchingNextPage)}
          hasMore={list.hasNextPage}
          onMore={() => void list.fetchNextPage()}
          actions={actions}
          bar={<TextInput size="xs" ref={searchBox} aria-label="Search prices by model" placeholder="Search by model" leftSection={<Icon name="search" size={14} />} defaultValue={url.search} key={url.search === "" ? "empty" : "search"} onChange={(event) => setUrl({ search: event.currentTarget.value })} maw={360} />}
          empty={url.search
            ? <EmptyState sentence={`No price is about “${url.search}”.`} action={<Button variant="default" onClick={() => setUrl({ search: "" })}>Show all prices</Button>} />
            : <EmptyState sentence="There is no price of your own: models cost what the price data says. Create one for a model that it does not know, or for a price that you have negotiated." action={newButton || undefined} command={COMMAND} />}
        />
      )}
      <ObjectSheet
        opened={isNew || chosen.data !== undefined}
        onClose={() => setUrl({ price: undefined, new: undefined })}
        title={isNew ? "New price" : chosen.data?.name}
        component="Price"
        fields={[name, ...AMOUNT_FIELDS]}
        more={MORE}
        object={isNew ? undefined : chosen.data}
        begin={{ name: url.new === "1" ? "" : (url.new ?? "") }}
        readOnly={isNew ? null : readOnly}
        submit={isNew ? "Create the price" : "Save"}
        onCreate={async (body) => { await noun.create(body, `${String(body.name)} has a price.`); }}
        onChange={(body, version, before) => noun.change(url.price!, body, version, `The price of ${chosen.data?.name ?? url.price} is saved.`, before)}
        reload={() => get<Price>(`prices/${idPath(url.price!)}`)}
      >
        {(value) => mayModels && <About pattern={String(value.name ?? "")} models={known} isWhole={models.data?.next === null} />}
      </ObjectSheet>
      {noun.asking}
    </>
  );
}

function Amount({ of, otherwise }: { of: number | null; otherwise?: string }) {
  return of === null ? <span className="muted">{otherwise}</span> : <span title={exactMoney(of * NANOUSD)}>{money(of * NANOUSD)}</span>;
}

/** The models that a pattern is about, as one types. */
function About({ pattern, models, isWhole }: { pattern: string; models: readonly Known[]; isWhole: boolean }) {
  if (!pattern.includes("/")) return null;
  const found = models.filter((one) => isAbout(pattern, one.provider, one.model));
  if (found.length === 0) return <p className="muted" role="status">{isWhole ? "No model that is known now fits." : "None of the first models fits."}</p>;
  const named = found.slice(0, NAMED_MAX).map((one) => one.id).join(", ");
  return <p className="muted" role="status">Fits {count(found.length, "model")}: <span className="mono">{named}</span>{found.length > NAMED_MAX && ", …"}</p>;
}

function bodyOf(row: Price): Value {
  return { ...Object.fromEntries((["name", ...AMOUNTS] as const).filter((one) => row[one] !== null).map((one) => [one, row[one]])), units: row.units };
}
