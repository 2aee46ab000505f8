import { Tabs } from "@mantine/core";
import { CodeBlock } from "./code-block";
import { snippets } from "./snippets";

/** How to call the gateway with this key, by client. */
export function SnippetTabs({ apiKey, model }: { apiKey: string; model: string }) {
  const all = snippets(location.origin, apiKey, model);
  return (
    <Tabs defaultValue={all[0]!.id}>
      <Tabs.List mb="xs">{all.map((one) => <Tabs.Tab key={one.id} value={one.id}>{one.label}</Tabs.Tab>)}</Tabs.List>
      {all.map((one) => <Tabs.Panel key={one.id} value={one.id}><CodeBlock code={one.code} label={`Copy for ${one.label}`} /></Tabs.Panel>)}
    </Tabs>
  );
}
