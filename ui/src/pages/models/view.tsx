// Models: all that can be called, with what they cost and take. Search and provider are filtered by the API, the rest here,
// for which the whole list is read.

import { ActionIcon, Button, Menu, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, useRef } from "react";
import { type Column, DataTable, type Sort } from "@/kit/data-table";
import { EmptyState } from "@/kit/empty-state";
import { type Filter, FilterBar } from "@/kit/filter-bar";
import { exact, exactMoney, money, short } from "@/kit/format";
import { Icon } from "@/kit/icons";
import { PageHeader } from "@/kit/page-header";
import { Problem } from "@/kit/problem";
import { useMay } from "@/kit/session";
import { useShortcuts } from "@/kit/shortcuts";
import { useUrlState } from "@/kit/url-state";
import { Detail } from "./detail";
import { fits, type ListedModel, sorted } from "./listed";
import classes from "./models.module.css";
import { modelQuery, modelsQuery, providerNamesQuery } from "./queries";
import { SHORT_SOURCES, SOURCES, takesWords, thinkingWords } from "./words";

const unknown = <span className="muted" title="unknown">–</span>;

export default function ModelsView() {
  const [url, setUrl] = useUrlState<{ search: string; provider: string | undefined; takes: string | undefined; source: string | undefined; price: string | undefined; sort: string; model: string | undefined }>({ search: "", provider: undefined, takes: undefined, source: undefined, price: undefined, sort: "model", model: undefined });
  const searchBox = useRef<HTMLInputElement>(null);
  const mayPlay = useMay("playground:write");
  const mayNames = useMay("providers:read");
  const maySeePrices = useMay("prices:read");
  const list = useInfiniteQuery(modelsQuery(url.provider ?? "", url.search));
  const names = useQuery({ ...providerNamesQuery, enabled: mayNames });
  const all = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  const sort: Sort = { by: url.sort.replace(/^-/, ""), down: url.sort.startsWith("-") };
  const wanted = { takes: url.takes, source: url.source, price: url.price };
  const whole = url.sort !== "model" || Object.values(wanted).some(Boolean);
  const rows = useMemo(() => sorted(all.filter((one) => fits(one, wanted)), sort.by, sort.down), [all, url.takes, url.source, url.price, url.sort]);
  const listed = all.find((one) => one.id === url.model);
  const chosen = useQuery({ ...modelQuery(url.model ?? ""), enabled: url.model !== undefined && listed === undefined && list.data !== undefined });
  const { hasNextPage, isFetching, isError, fetchNextPage } = list;

  useEffect(() => {
    if (whole && hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [whole, hasNextPage, isFetching, isError, fetchNextPage]);
  useShortcuts(useMemo(() => [{ keys: "/", words: "Search models", run: () => searchBox.current?.focus() }], []));

  const filters = useMemo<Filter[]>(() => [
    { name: "provider", label: "Provider", options: names.data ?? [] },
    { name: "takes", label: "Takes", strict: true, options: [{ value: "image", label: "Images" }, { value: "audio", label: "Audio" }, { value: "document", label: "Documents" }, { value: "reasoning", label: "Reasoning" }, { value: "embeddings", label: "Embeddings" }, { value: "chat", label: "Chat" }] },
    { name: "price", label: "Price", strict: true, options: [{ value: "known", label: "Known" }, { value: "unknown", label: "Unknown" }] },
    { name: "source", label: "Known from", strict: true, options: [{ value: "provider", label: "The provider" }, { value: "configured", label: "The configuration" }, { value: "catalogue", label: "The catalogue" }] },
  ], [names.data]);

  const columns = useMemo<Column<ListedModel>[]>(() => [
    { id: "model", header: "Model", width: 270, grow: 1, rank: 1, sortable: true, cell: (row) => <span className="mono" title={row.id}><span className="muted">{row.provider}/</span>{row.model}</span> },
    { id: "input", header: "Input", width: 84, grow: 0.4, rank: 2, align: "right", sortable: true, cell: (row) => <Price of={row.prices?.input} /> },
    { id: "output", header: "Output", width: 84, grow: 0.4, rank: 2, align: "right", sortable: true, cell: (row) => <Price of={row.prices?.output} /> },
    { id: "cache", header: "Cached", width: 84, grow: 0.4, rank: 5, align: "right", sortable: true, cell: (row) => <Price of={row.prices?.cache_read} /> },
    { id: "context", header: "Context", width: 90, grow: 0.4, rank: 3, align: "right", sortable: true, cell: (row) => (row.context_tokens ? <span title={exact(row.context_tokens)}>{short(row.context_tokens)}</span> : unknown) },
    { id: "longest", header: "Output max", width: 100, grow: 0.4, rank: 6, align: "right", sortable: true, cell: (row) => (row.output_tokens_max ? <span title={exact(row.output_tokens_max)}>{short(row.output_tokens_max)}</span> : unknown) },
    { id: "takes", header: "Takes", width: 190, grow: 1.6, rank: 6, cell: (row) => <span title={takesWords(row)}>{takesWords(row)}</span> },
    { id: "thinking", header: "Reasoning", width: 110, rank: 7, cell: (row) => (row.capabilities.thinking === null ? unknown : <span title={thinkingWords(row)}>{thinkingWords(row)}</span>) },
    { id: "source", header: "Known from", width: 110, grow: 0.6, rank: 6, cell: (row) => <span className="muted" title={SOURCES[row.source]}>{SHORT_SOURCES[row.source]}</span> },
  ], []);

  const actions = (row: ListedModel) => (
    <Menu>
      <Menu.Target><ActionIcon aria-label={`Actions for ${row.id}`}><Icon name="more" /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        {mayPlay && row.capabilities.operations.includes("chat") && <Menu.Item leftSection={<Icon name="playground" />} component={Link} {...({ to: "/playground", search: { model: row.id } } as object)}>Try it in the playground</Menu.Item>}
        <Menu.Item leftSection={<Icon name="records" />} component={Link} {...({ to: "/records", search: { provider: row.provider, model_served: row.model } } as object)}>Its records</Menu.Item>
        <Menu.Item leftSection={<Icon name="providers" />} component={Link} {...({ to: "/providers", search: { provider: row.provider } } as object)}>Its provider</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
  const filtered = url.search !== "" || url.provider !== undefined || Object.values(wanted).some(Boolean);

  return (
    <>
      <PageHeader title="Models" words="What can be called. Prices are in dollars for a million tokens.">
        {maySeePrices && <Button variant="default" component={Link} {...({ to: "/prices" } as object)}>Prices of your own</Button>}
      </PageHeader>
      {list.error && !list.data ? <Problem error={list.error} what="The models" retry={() => void list.refetch()} /> : (
        <DataTable
          name="Models"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.id}
          onOpen={(row) => setUrl({ model: row.id }, { push: true })}
          chosen={url.model}
          sort={sort}
          onSort={(next) => setUrl({ sort: sort.by === next.by ? (sort.down ? next.by : `-${next.by}`) : next.by })}
          loading={isFetching && (rows.length === 0 || list.isFetchingNextPage)}
          hasMore={hasNextPage}
          onMore={() => void fetchNextPage()}
          actions={actions}
          bar={
            <div className={classes.bar}>
              <TextInput size="xs" className={classes.search} ref={searchBox} aria-label="Search models" placeholder="Search by provider or name" leftSection={<Icon name="search" size={14} />} defaultValue={url.search} key={url.search === "" ? "empty" : "search"} onChange={(event) => setUrl({ search: event.currentTarget.value })} />
              <FilterBar filters={filters} values={url} onChange={(name, value) => setUrl({ [name]: value })} />
              {list.data && <span className="muted" role="status">{exact(rows.length)}{hasNextPage ? " and more" : ""} {rows.length === 1 ? "model" : "models"}</span>}
            </div>
          }
          empty={filtered
            ? <EmptyState sentence="No model is like that." action={<Button variant="default" onClick={() => setUrl({ search: "", provider: undefined, takes: undefined, source: undefined, price: undefined })}>Show all models</Button>} />
            : <EmptyState sentence="There is no model yet. Models come with providers: add one, and its models are listed here." action={<Button component={Link} {...({ to: "/providers", search: { new: "1" } } as object)}>Add a provider</Button>} />}
        />
      )}
      <Detail id={url.model} model={listed ?? chosen.data} onClose={() => setUrl({ model: undefined })} />
    </>
  );
}

function Price({ of }: { of: number | undefined }) {
  return of === undefined ? unknown : <span title={exactMoney(of)}>{money(of)}</span>;
}
