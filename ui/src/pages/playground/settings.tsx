// What holds for the whole conversation, in both panes: instructions, tools, parameters.

import { Button, NumberInput, Switch, Textarea } from "@mantine/core";
import classes from "./playground.module.css";
import { readTools, type Setup, TOOL_EXAMPLE } from "./wire";

const MONO = { input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.75rem" } };

export function Settings({ setup, onChange }: { setup: Setup; onChange: (setup: Setup) => void }) {
  const read = readTools(setup.tools);
  const number = (value: string | number) => (value === "" ? null : Number(value));
  return (
    <div className={classes.settings}>
      <Textarea label="Instructions" description="The system message." autosize minRows={3} maxRows={12} value={setup.system} onChange={(event) => onChange({ ...setup, system: event.currentTarget.value })} />
      <div>
        <Textarea label="Tools" description="A JSON list of name, description and parameters (a JSON schema). You answer their calls by hand." autosize minRows={3} maxRows={16} spellCheck={false} styles={MONO} value={setup.tools} onChange={(event) => onChange({ ...setup, tools: event.currentTarget.value })} error={"error" in read ? read.error : undefined} />
        {setup.tools === "" && <Button variant="subtle" px={0} mt={4} onClick={() => onChange({ ...setup, tools: TOOL_EXAMPLE })}>Insert an example</Button>}
      </div>
      <div className={classes.numbers}>
        <NumberInput label="Temperature" placeholder="default" min={0} max={2} step={0.1} value={setup.temperature ?? ""} onChange={(value) => onChange({ ...setup, temperature: number(value) })} />
        <NumberInput label="Output tokens" placeholder="default" min={1} allowDecimal={false} value={setup.max_tokens ?? ""} onChange={(value) => onChange({ ...setup, max_tokens: number(value) })} />
      </div>
      <Switch label="Stream" description="Show the reply as it is written." checked={setup.stream} onChange={(event) => onChange({ ...setup, stream: event.currentTarget.checked })} />
    </div>
  );
}
