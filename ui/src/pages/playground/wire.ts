// A conversation as the playground holds it, and as the chat completions API takes and sends it. Pure.

import type { Conversation } from "../records/conversation.ts";

export interface Call {
  id: string;
  name: string;
  /** JSON as the model writes it; it may be cut off. */
  input: string;
}

export interface Reply {
  role: "assistant";
  text: string;
  reasoning: string;
  calls: Call[];
  /** Why it ended: stop, length, tool_calls; "" while it runs, or where it was stopped. */
  finish: string;
  error: { code: string; message: string } | null;
  stopped: boolean;
  input_tokens: number | null;
  output_tokens: number | null;
}

export type Message =
  | { role: "user"; text: string; images: string[] }
  | Reply
  | { role: "tool"; id: string; name: string; text: string };

export interface Setup {
  system: string;
  /** JSON, as a person writes it. */
  tools: string;
  temperature: number | null;
  max_tokens: number | null;
  stream: boolean;
}

export const SETUP: Setup = { system: "", tools: "", temperature: null, max_tokens: null, stream: true };

export const TOOL_EXAMPLE = JSON.stringify(
  [{ name: "get_weather", description: "The weather of a city.", parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } }],
  null,
  2,
);

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

export const emptyReply = (): Reply => ({ role: "assistant", text: "", reasoning: "", calls: [], finish: "", error: null, stopped: false, input_tokens: null, output_tokens: null });

/** The tools that a person has written, as the API takes them: with or without the wrapping of the API. */
export function readTools(text: string): { tools: Json[] } | { error: string } {
  if (!text.trim()) return { tools: [] };
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    return { error: error instanceof Error ? error.message : "This is not JSON" };
  }
  const tools: Json[] = [];
  for (const one of Array.isArray(given) ? given : [given]) {
    const inside = isObject(one) && isObject(one["function"]) ? one["function"] : one;
    if (!isObject(inside) || typeof inside["name"] !== "string" || inside["name"] === "") return { error: "Each tool needs a name" };
    const parameters = inside["parameters"] ?? inside["input_schema"] ?? { type: "object", properties: {} };
    if (!isObject(parameters)) return { error: `${inside["name"]}: parameters is a JSON schema` };
    tools.push({ type: "function", function: { name: inside["name"], ...(inside["description"] ? { description: inside["description"] } : {}), parameters } });
  }
  return { tools };
}

/** The body of a request. Replies that failed are left out. */
export function writeRequest(model: string, setup: Setup, messages: readonly Message[]): Json {
  const read = readTools(setup.tools);
  const tools = "tools" in read ? read.tools : [];
  return {
    model,
    messages: [...(setup.system.trim() ? [{ role: "system", content: setup.system }] : []), ...messages.filter(isSaid).map(writeMessage)],
    ...(tools.length ? { tools } : {}),
    ...(setup.temperature === null ? {} : { temperature: setup.temperature }),
    ...(setup.max_tokens === null ? {} : { max_tokens: setup.max_tokens }),
    ...(setup.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}

function isSaid(message: Message): boolean {
  return message.role !== "assistant" || (message.error === null && (message.text !== "" || message.calls.length > 0));
}

function writeMessage(message: Message): Json {
  if (message.role === "tool") return { role: "tool", tool_call_id: message.id, content: message.text };
  if (message.role === "assistant") {
    const calls = message.calls.map((call) => ({ id: call.id, type: "function", function: { name: call.name, arguments: call.input || "{}" } }));
    return { role: "assistant", content: message.text || null, ...(calls.length ? { tool_calls: calls } : {}) };
  }
  if (message.images.length === 0) return { role: "user", content: message.text };
  const images = message.images.map((url) => ({ type: "image_url", image_url: { url } }));
  return { role: "user", content: [...(message.text ? [{ type: "text", text: message.text }] : []), ...images] };
}

/** A reply with another event of its stream, or with the whole response. */
export function addEvent(reply: Reply, event: unknown): Reply {
  if (!isObject(event)) return reply;
  if (isObject(event["error"])) return { ...reply, error: readError(event["error"]) };
  const next = { ...reply };
  const usage = event["usage"];
  if (isObject(usage)) {
    next.input_tokens = number(usage["prompt_tokens"]);
    next.output_tokens = number(usage["completion_tokens"]);
  }
  const [choice] = Array.isArray(event["choices"]) ? (event["choices"] as unknown[]) : [];
  if (!isObject(choice)) return next;
  const said = isObject(choice["delta"]) ? choice["delta"] : isObject(choice["message"]) ? choice["message"] : {};
  next.text += text(said["content"]) + text(said["refusal"]);
  next.reasoning += text(said["reasoning_content"] ?? said["reasoning"]);
  if (Array.isArray(said["tool_calls"])) next.calls = addCalls(reply.calls, said["tool_calls"]);
  next.finish = text(choice["finish_reason"]) || next.finish;
  return next;
}

function addCalls(before: readonly Call[], pieces: readonly unknown[]): Call[] {
  const calls = [...before];
  pieces.forEach((piece, place) => {
    if (!isObject(piece)) return;
    const index = number(piece["index"]) ?? place;
    const asked = isObject(piece["function"]) ? piece["function"] : {};
    const known = calls[index] ?? { id: "", name: "", input: "" };
    calls[index] = { id: known.id || text(piece["id"]), name: known.name || text(asked["name"]), input: known.input + text(asked["arguments"]) };
  });
  return calls.filter(Boolean);
}

export function readError(error: Json): { code: string; message: string } {
  return { code: text(error["code"]) || text(error["type"]) || "error", message: text(error["message"]) || "The call failed." };
}

/** The calls of the last reply that nobody has answered. */
export function unanswered(messages: readonly Message[]): Call[] {
  const at = messages.findLastIndex((message) => message.role === "assistant");
  const last = messages[at];
  if (last?.role !== "assistant" || last.error) return [];
  const done = new Set(messages.slice(at + 1).map((message) => (message.role === "tool" ? message.id : "")));
  return last.calls.filter((call) => !done.has(call.id));
}

/** A recorded request, as the playground would have sent it; its last replies and results are kept. */
export function fromRecord(conversation: Conversation): { setup: Setup; messages: Message[] } {
  const messages: Message[] = [];
  let system = "";
  const names = new Map<string, string>();
  for (const turn of conversation.turns) {
    const said = turn.parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
    if (turn.role === "system" || turn.role === "developer") system += (system ? "\n\n" : "") + said;
    else if (turn.role === "assistant") {
      const calls = turn.parts.flatMap((part) => (part.kind === "call" ? [{ id: part.id, name: part.name, input: part.input }] : []));
      for (const call of calls) names.set(call.id, call.name);
      messages.push({ ...emptyReply(), text: said, calls, finish: "stop" });
    } else {
      for (const part of turn.parts) if (part.kind === "result") messages.push({ role: "tool", id: part.id, name: names.get(part.id) ?? "", text: part.text });
      const images = turn.parts.flatMap((part) => (part.kind === "image" && part.url ? [part.url] : []));
      if (said || images.length) messages.push({ role: "user", text: said, images });
    }
  }
  const parameters = Object.fromEntries(conversation.parameters);
  const tools = conversation.tools.map((tool) => ({ name: tool.name, ...(tool.about ? { description: tool.about } : {}), parameters: parse(tool.schema) ?? {} }));
  return {
    setup: {
      system,
      tools: tools.length ? JSON.stringify(tools, null, 2) : "",
      temperature: numeric(parameters["temperature"]),
      max_tokens: numeric(parameters["max_tokens"] ?? parameters["max_completion_tokens"]),
      stream: true,
    },
    messages,
  };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function numeric(value: string | undefined): number | null {
  return value === undefined || value === "" || Number.isNaN(Number(value)) ? null : Number(value);
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
