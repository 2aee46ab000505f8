import { Button, Group } from "@mantine/core";
import { useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { Unreachable } from "@/kit/api";
import { useAway } from "@/kit/connection";
import { CodeBlock } from "@/kit/code-block";
import { PageHeader } from "@/kit/page-header";
import classes from "./shell.module.css";

const AGAIN_MS = 200;

/** A page that failed: says so, and lets one go on. While the control process is away it waits for it. */
export function Broken({ error }: { error: unknown }) {
  const router = useRouter();
  const away = useAway();
  const unreachable = error instanceof Unreachable;
  const again = () => void router.invalidate();
  useEffect(() => {
    if (!unreachable || away) return;
    const timer = setTimeout(() => void router.invalidate(), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [unreachable, away, router]);
  if (unreachable)
    return (
      <div className={classes.center}>
        <div className={`${classes.panel} ${classes.wide}`} role="status">
          <PageHeader title="The control process does not answer" />
          <p>Calls to models are still served. This page opens by itself as soon as the control process is back.</p>
          <Button variant="default" onClick={again}>Try now</Button>
        </div>
      </div>
    );
  return (
    <div role="alert" style={{ padding: 16, maxWidth: 720 }}>
      <PageHeader title="This page has failed" words="The gateway is not affected. Reload the page; if it fails again, report it with the lines below." />
      <CodeBlock code={error instanceof Error ? `${error.name}: ${error.message}` : String(error)} />
      <Group mt="md" gap="xs">
        <Button onClick={() => location.reload()}>Reload</Button>
        <Button variant="default" onClick={again}>Try again</Button>
      </Group>
    </div>
  );
}
