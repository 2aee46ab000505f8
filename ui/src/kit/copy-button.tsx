import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { useState } from "react";
import { Icon } from "./icons";

/** Copies `value`; says so for a moment. With `children` a button with words. */
export function CopyButton({ value, label = "Copy", children }: { value: string; label?: string; children?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await copyText(value);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  if (children)
    return (
      <Button variant="default" leftSection={<Icon name={copied ? "check" : "copy"} />} onClick={() => void copy()}>
        {copied ? "Copied" : children}
      </Button>
    );
  return (
    <Tooltip label={copied ? "Copied" : label}>
      <ActionIcon aria-label={label} onClick={() => void copy()} size="sm">
        <Icon name={copied ? "check" : "copy"} size={14} />
      </ActionIcon>
    </Tooltip>
  );
}

/** Also on plain HTTP, where browsers offer no clipboard to pages. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    (document.querySelector('[role="dialog"]') ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
