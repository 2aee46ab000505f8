// What is known of models, in words.

import type { ListedModel } from "./listed";

export const SOURCES: Record<ListedModel["source"], string> = {
  configured: "the configuration",
  provider: "the provider's own list",
  catalogue: "the catalogue; the provider has not been asked yet",
};

export const SHORT_SOURCES: Record<ListedModel["source"], string> = { configured: "configuration", provider: "provider", catalogue: "catalogue" };

const INPUTS: Record<string, string> = { image: "images", audio: "audio", document: "documents" };

export function takesWords(model: ListedModel): string {
  return ["text", ...model.capabilities.inputs.map((one) => INPUTS[one] ?? one)].join(", ");
}

export function thinkingWords(model: ListedModel): string {
  const { thinking, efforts } = model.capabilities;
  if (thinking === null) return "not known";
  return efforts.length > 0 ? `${thinking}: ${efforts.join(", ")}` : thinking;
}
