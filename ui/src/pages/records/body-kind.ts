// What a stored body is, by its first bytes: JSON, text, an image, audio or other bytes; and images within JSON. Pure.
//
// SVG is text here: it is shown as what was written, not drawn.

import { isObject } from "../../kit/schema.ts";
import type { Body } from "./types.ts";

export type BodyKind = "json" | "text" | "image" | "audio" | "binary";

export interface Shown {
  kind: BodyKind;
  /** "image/png"; "" for what is no image or audio. */
  type: string;
}

const SNIFFED_CHARS = 32;
/** First bytes, as text in which each character is a byte; \x00 at a place where any byte may stand. */
const MARKS: readonly [string, string][] = [
  ["\x89PNG", "image/png"],
  ["\xff\xd8\xff", "image/jpeg"],
  ["GIF8", "image/gif"],
  ["RIFF\0\0\0\0WEBP", "image/webp"],
  ["RIFF\0\0\0\0WAVE", "audio/wav"],
  ["ID3", "audio/mpeg"],
  ["\xff\xfb", "audio/mpeg"],
  ["\xff\xf3", "audio/mpeg"],
  ["\xff\xf1", "audio/aac"],
  ["OggS", "audio/ogg"],
  ["fLaC", "audio/flac"],
  ["\0\0\0\0ftypM4A", "audio/mp4"],
];

export function kindOf(body: Pick<Body, "text" | "base64">): Shown {
  if (typeof body.text === "string") return { kind: isJson(body.text) ? "json" : "text", type: "" };
  const type = typeOf(body.base64 ?? "");
  return { kind: type.startsWith("image/") ? "image" : type ? "audio" : "binary", type };
}

/** The type of bytes in base64; "" where it is not known. */
export function typeOf(base64: string): string {
  let begin = "";
  try {
    begin = atob(base64.slice(0, SNIFFED_CHARS));
  } catch {
    return "";
  }
  const fits = (mark: string) => [...mark].every((one, at) => one === "\0" || begin[at] === one);
  return MARKS.find(([mark]) => fits(mark))?.[1] ?? "";
}

/** The images that a reply of an image model holds (`data[].b64_json`), as data URLs. */
export function imagesIn(text: string): string[] {
  if (!text.includes("b64_json")) return [];
  const read = readJson(text);
  const items = isObject(read) && Array.isArray(read.data) ? (read.data as unknown[]) : [];
  return items.flatMap((one) => {
    const inner = isObject(one) && typeof one.b64_json === "string" ? one.b64_json : "";
    const type = typeOf(inner);
    return type.startsWith("image/") ? [`data:${type};base64,${inner}`] : [];
  });
}

function isJson(text: string): boolean {
  return readJson(text) !== undefined;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
