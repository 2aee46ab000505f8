// How one provider is, above its form: calls of five minutes, each key with its share and its last error, open circuits, and
// the models that it offers.

import { Alert, Anchor, Button, Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { duration, exact, moment, percent, relative } from "@/kit/format";
import { useMay } from "@/kit/session";
import { Status } from "@/kit/status";
import classes from "./providers.module.css";
import { MODELS_SHOWN, offeredQuery } from "./queries";
import type { KeyHealth, Provider, ProviderHealth, Tested } from "./types";
import { shareOf } from "./uses";

interface Props {
  provider: Provider;
  health: ProviderHealth | undefined;
  tested: Tested | undefined;
  testing: boolean;
  onTest: (() => void) | undefined;
}

export function Health({ provider, health, tested, testing, onTest }: Props) {
  return (
    <section className={classes.health} aria-label="Health">
      {health && (
        <dl className={classes.facts}>
          <div><dt>Calls, 5 min</dt><dd>{exact(health.calls_5m)}</dd></div>
          <div><dt>Failed</dt><dd title={`${health.failed_5m} calls`}>{health.calls_5m ? percent(health.failed_5m / health.calls_5m) : "–"}</dd></div>
          <div><dt>Latency p95</dt><dd>{duration(health.latency_p95_us)}</dd></div>
          <div><dt>In flight</dt><dd>{exact(health.in_flight)}{health.queued > 0 && <span className="muted"> + {exact(health.queued)} queued</span>}</dd></div>
        </dl>
      )}
      {!health && <Alert color="gray">The workers do not serve this provider yet. If this stays so, look at the problems of the snapshot.</Alert>}
      {health && health.circuits.length > 0 && (
        <ul className={classes.circuits} aria-label="Circuits">
          {health.circuits.map((circuit) => (
            <li key={circuit.target}>
              <Status tone={circuit.state === "open" ? "bad" : "warn"}>{circuit.state === "open" ? "open" : "half open"}</Status>
              <span className="mono clip">{circuit.target}</span>
              <span className="muted" title={moment(circuit.until_ms)}>{circuit.state === "open" ? `is tried again ${relative(circuit.until_ms)}` : "one call tries it"}</span>
            </li>
          ))}
        </ul>
      )}
      {provider.keys.length > 0 && <Keys provider={provider} health={health} />}
      <Offered provider={provider.name} />
      <div role="status">
        {tested?.ok && <Alert color="bridge">{provider.name} answers, and takes the key.</Alert>}
        {tested && !tested.ok && <Alert color="red" title="It does not answer as expected">{tested.problems.map((problem) => <div key={problem}>{problem}</div>)}</Alert>}
      </div>
      <Group gap="xs">
        {onTest && <Button variant="default" loading={testing} onClick={onTest}>Test it now</Button>}
        <Button variant="default" component={Link} {...({ to: "/records", search: { provider: provider.name } } as object)}>Its records</Button>
        {health && health.failed_5m > 0 && <Button variant="default" component={Link} {...({ to: "/records", search: { provider: provider.name, outcome: "error", range: "1h" } } as object)}>Its failures</Button>}
      </Group>
    </section>
  );
}

function Keys({ provider, health }: { provider: Provider; health: ProviderHealth | undefined }) {
  const weights = provider.keys.map((key) => key.weight);
  const known = new Map(health?.keys.map((key) => [key.name, key]));
  return (
    <table className={classes.keys}>
      <thead>
        <tr><th scope="col">Key</th><th scope="col">State</th><th scope="col" data-align="right">Share</th><th scope="col" data-align="right">Calls</th><th scope="col" data-align="right">Failed</th></tr>
      </thead>
      <tbody>
        {provider.keys.map((key) => {
          const state = known.get(key.name);
          return [
            <tr key={key.name}>
              <th scope="row" className="clip">{key.name}</th>
              <td><KeyState state={state} /></td>
              <td data-align="right" title={`Weight ${key.weight}`}>{percent(shareOf(key.weight, weights))}</td>
              <td data-align="right">{exact(state?.calls)}</td>
              <td data-align="right">{exact(state?.failed)}</td>
            </tr>,
            state?.last_error && (
              <tr key={`${key.name}-error`} className={classes.error}>
                <td colSpan={5}><span className="mono">{state.last_error.code}</span> {state.last_error.message}</td>
              </tr>
            ),
          ];
        })}
      </tbody>
    </table>
  );
}

function KeyState({ state }: { state: KeyHealth | undefined }) {
  if (!state) return <Status tone="plain">not loaded</Status>;
  if (state.state === "refused") return <Status tone="bad" title="The provider did not take this key">refused</Status>;
  if (state.cooling_until_ms && state.cooling_until_ms > Date.now()) return <Status tone="warn" title={moment(state.cooling_until_ms)}>back {relative(state.cooling_until_ms)}</Status>;
  if (state.models_cooling > 0) return <Status tone="warn">{state.models_cooling === 1 ? "1 model cools down" : `${state.models_cooling} models cool down`}</Status>;
  return <Status tone="ok">ok</Status>;
}

function Offered({ provider }: { provider: string }) {
  const mayRead = useMay("models:read");
  const offered = useQuery({ ...offeredQuery(provider), enabled: mayRead });
  if (!offered.data || offered.data.items.length === 0) return null;
  return (
    <div className={classes.offered}>
      <span className="muted">Models</span>
      {offered.data.items.slice(0, MODELS_SHOWN).map((one) => (
        <Link key={one.id} className={`${classes.model} mono`} to={"/models" as string} search={{ model: one.id } as never}>{one.model}</Link>
      ))}
      {offered.data.next && <Anchor size="sm" component={Link} {...({ to: "/models", search: { provider } } as object)}>and all others</Anchor>}
    </div>
  );
}
