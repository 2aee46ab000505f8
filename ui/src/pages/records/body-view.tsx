// One stored body, by what it is: JSON with indents, text, an image, audio to play, or how many bytes there are.

import { Group } from "@mantine/core";
import { useMemo } from "react";
import { CopyButton } from "@/kit/copy-button";
import { bytes } from "@/kit/format";
import { imagesIn, kindOf } from "./body-kind";
import classes from "./records.module.css";
import type { Body } from "./types";

export function BodyView({ title, body }: { title: string; body: Body | null | undefined }) {
  const shown = useMemo(() => (body ? kindOf(body) : null), [body]);
  if (!body || !shown) return null;
  const { kind, type } = shown;
  const words = [bytes(body.bytes), type || (kind === "binary" ? "binary" : ""), body.truncated ? "cut off" : ""].filter(Boolean).join(", ");
  return (
    <section className={classes.section} aria-label={title}>
      <Group justify="space-between"><h3>{title} <span className="muted">{words}</span></h3><CopyButton value={body.text ?? body.base64 ?? ""} label={`Copy the ${title.toLowerCase()}${body.text ? "" : " as base64"}`} /></Group>
      <Content body={body} kind={kind} type={type} title={title} />
    </section>
  );
}

function Content({ body, kind, type, title }: { body: Body; kind: string; type: string; title: string }) {
  const url = `data:${type};base64,${body.base64}`;
  if (kind === "image" && !body.truncated) return <img className={classes.image} src={url} alt={title} />;
  if (kind === "audio" && !body.truncated) return <audio className={classes.audio} controls preload="metadata" src={url} aria-label={title} />;
  const text = body.text ?? "";
  if (!text) return <p className="muted">{body.truncated ? "Only its beginning is stored, which cannot be shown." : body.bytes ? "These bytes are no text, image or audio that can be shown." : "It is empty."}</p>;
  return (
    <>
      {kind === "json" && imagesIn(text).map((one, index) => <img key={index} className={classes.image} src={one} alt={`Image ${index + 1} of the reply`} />)}
      <pre className={classes.raw} tabIndex={0} aria-label={title}>{kind === "json" ? JSON.stringify(JSON.parse(text), null, 2) : text}</pre>
    </>
  );
}
