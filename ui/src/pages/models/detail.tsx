// One model: what it costs, what it takes, where this is known from, and where to go with it.

import { Button, Drawer, Group } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { CopyButton } from "@/kit/copy-button";
import { exact, exactMoney, money } from "@/kit/format";
import { useMay } from "@/kit/session";
import { takesWords, thinkingWords, SOURCES } from "./words";
import type { ListedModel, Prices } from "./listed";
import classes from "./models.module.css";

const ROWS: readonly [keyof Prices, string][] = [
  ["input", "Input"],
  ["output", "Output and reasoning"],
  ["cache_read", "Read from a cache"],
  ["cache_write_5m", "Written to a cache, 5 min"],
  ["cache_write_1h", "Written to a cache, 1 h"],
  ["audio_input", "Audio in"],
  ["audio_output", "Audio out"],
];

export function Detail({ id, model, onClose }: { id: string | undefined; model: ListedModel | null | undefined; onClose: () => void }) {
  const mayPlay = useMay("playground:write");
  const mayPrice = useMay("prices:write");
  const title = <Group gap={4} wrap="nowrap"><span className="mono clip">{id}</span>{id && <CopyButton value={id} label="Copy the id" />}</Group>;
  return (
    <Drawer opened={id !== undefined} onClose={onClose} title={title} closeButtonProps={{ "aria-label": "Close" }} styles={{ title: { minWidth: 0 } }}>
      {model === null && <p className="muted">There is no model of this id. Its provider may be gone, or has not been asked for its list yet.</p>}
      {model && (
        <>
          <Group gap="xs" mb="lg">
            {mayPlay && model.capabilities.operations.includes("chat") && <Button component={Link} {...({ to: "/playground", search: { model: model.id } } as object)}>Try it in the playground</Button>}
            <Button variant="default" component={Link} {...({ to: "/records", search: { provider: model.provider, model_served: model.model } } as object)}>Its records</Button>
            <Button variant="default" component={Link} {...({ to: "/providers", search: { provider: model.provider } } as object)}>Its provider</Button>
          </Group>
          <section className={classes.section}>
            <h3>Prices</h3>
            {model.prices ? <PriceTable prices={model.prices} /> : <p className="muted">Its price is not known: what it costs is recorded as unknown, and budgets do not count it.</p>}
            {model.prices && <p className="muted">{model.price_source === "configured" ? "From the configuration." : "From the price data of this version."} Per million tokens.</p>}
            {mayPrice && <Button variant="default" mt="xs" component={Link} {...({ to: "/prices", search: { new: model.id } } as object)}>{model.prices ? "Set another price" : "Set its price"}</Button>}
          </section>
          <section className={classes.section}>
            <h3>What it takes</h3>
            <dl className={classes.facts}>
              <Fact name="Context window">{model.context_tokens ? `${exact(model.context_tokens)} tokens` : "unknown"}</Fact>
              <Fact name="Output, at most">{model.output_tokens_max ? `${exact(model.output_tokens_max)} tokens` : "unknown"}</Fact>
              <Fact name="Input">{takesWords(model)}</Fact>
              <Fact name="Operations">{model.capabilities.operations.join(", ")}</Fact>
              <Fact name="Reasoning">{thinkingWords(model)}</Fact>
              <Fact name="Temperature">{model.capabilities.sampling ? "taken" : "not taken"}</Fact>
              <Fact name="Known from">{SOURCES[model.source]}</Fact>
            </dl>
          </section>
        </>
      )}
    </Drawer>
  );
}

function PriceTable({ prices }: { prices: Prices }) {
  const above = Object.entries(prices.above).sort((a, b) => Number(a[0]) - Number(b[0]));
  // Prices that are those of input or output say nothing: they are left out, but for what is always asked for.
  const shown = ROWS.filter(([name]) => name === "input" || name === "output" || prices[name] !== prices[name === "audio_output" ? "output" : "input"]);
  return (
    <table className={classes.prices}>
      <thead>
        <tr><th scope="col">Tokens</th><th scope="col">Price</th>{above.map(([tokens]) => <th key={tokens} scope="col">Above {exact(Number(tokens))} in</th>)}</tr>
      </thead>
      <tbody>
        {shown.map(([name, label]) => (
          <tr key={name}>
            <th scope="row">{label}</th>
            <Price value={prices[name] as number} />
            {above.map(([tokens, larger]) => <Price key={tokens} value={larger[name] as number} />)}
          </tr>
        ))}
        {prices.web_search !== null && <tr><th scope="row">A web search</th><Price value={prices.web_search} />{above.map(([tokens]) => <td key={tokens} />)}</tr>}
      </tbody>
    </table>
  );
}

function Price({ value }: { value: number }) {
  return <td title={exactMoney(value)}>{money(value)}</td>;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}
