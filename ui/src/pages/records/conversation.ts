// Bodies of a call -> what was said, turn by turn, in one form for both wire formats, streamed or not. Pure; bodies may be
// cut off, and whatever is not understood is left to the raw view.

export type Part =
  | { kind: "text"; text: string }
  | { kind: "reasoning"; text: string }
  | { kind: "image"; url: string | null; about: string }
  | { kind: "call"; name: string; id: string; input: string }
  | { kind: "result"; id: string; text: string; failed: boolean }
  | { kind: "other"; about: string };

export interface Turn {
  role: string;
  parts: Part[];
}

export interface Conversation {
  turns: Turn[];
  tools: { name: string; about: string; schema: string }[];
  parameters: [string, string][];
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value));

const SAID = new Set(["messages", "system", "tools", "prompt", "input", "model", "stream"]);

/** The turns of the request; null if it is not understood. */
export function readRequest(body: string): Conversation | null {
  const request = parse(body);
  if (!isObject(request)) return null;
  const turns: Turn[] = [];
  if (request["system"]) turns.push({ role: "system", parts: parts(request["system"]) });
  for (const message of list(request["messages"])) if (isObject(message)) turns.push(turn(message));
  for (const prompt of [request["prompt"], request["input"]].flat()) if (prompt !== undefined) turns.push({ role: "user", parts: [{ kind: "text", text: text(prompt) }] });
  return {
    turns,
    tools: list(request["tools"]).filter(isObject).map(tool),
    parameters: Object.entries(request).filter(([name]) => !SAID.has(name)).map(([name, value]): [string, string] => [name, text(value)]),
  };
}

/** The reply: whole, or put together from the events of a stream. */
export function readResponse(body: string): Turn | null {
  const whole = parse(body);
  if (isObject(whole)) return fromWhole(whole);
  return /^(event|data|:)/m.test(body) ? fromEvents(body) : null;
}

function fromWhole(reply: Json): Turn | null {
  const [choice] = list(reply["choices"]);
  if (isObject(choice)) return isObject(choice["message"]) ? turn(choice["message"]) : { role: "assistant", parts: [{ kind: "text", text: text(choice["text"]) }] };
  if (Array.isArray(reply["content"])) return turn({ role: "assistant", ...reply });
  if (isObject(reply["error"])) return { role: "error", parts: [{ kind: "text", text: text(reply["error"]["message"]) }] };
  const vectors = list(reply["data"]).length;
  return vectors ? { role: "assistant", parts: [{ kind: "other", about: `${vectors} ${vectors === 1 ? "vector" : "vectors"}` }] } : null;
}

function fromEvents(body: string): Turn | null {
  const made: Part[] = [];
  const calls = new Map<string, Extract<Part, { kind: "call" }>>();
  const say = (kind: "text" | "reasoning", piece: string) => {
    const last = made[made.length - 1];
    if (!piece) return;
    if (last?.kind === kind) last.text += piece;
    else made.push({ kind, text: piece });
  };
  const call = (key: string, name: string, id: string, piece: string) => {
    let known = calls.get(key);
    if (!known) {
      known = { kind: "call", name, id, input: "" };
      calls.set(key, known);
      made.push(known);
    }
    known.name ||= name;
    known.input += piece;
  };
  for (const line of body.split(/\r?\n/)) {
    if (!line.startsWith("data:")) continue;
    const event = parse(line.slice(5));
    if (!isObject(event)) continue;
    if (isObject(event["error"])) made.push({ kind: "other", about: `error: ${text(event["error"]["message"])}` });
    for (const choice of list(event["choices"])) {
      if (!isObject(choice)) continue;
      const delta = isObject(choice["delta"]) ? choice["delta"] : {};
      say("reasoning", text(delta["reasoning_content"] ?? delta["reasoning"]));
      say("text", text(delta["content"]) || text(choice["text"]));
      for (const one of list(delta["tool_calls"])) {
        if (!isObject(one)) continue;
        const asked = isObject(one["function"]) ? one["function"] : {};
        call(text(one["index"]), text(asked["name"]), text(one["id"]), text(asked["arguments"]));
      }
    }
    const block = event["content_block"];
    if (event["type"] === "content_block_start" && isObject(block) && block["type"] === "tool_use") call(text(event["index"]), text(block["name"]), text(block["id"]), "");
    const delta = event["delta"];
    if (event["type"] === "content_block_delta" && isObject(delta)) {
      say("text", text(delta["text"]));
      say("reasoning", text(delta["thinking"]));
      if (delta["partial_json"] !== undefined) call(text(event["index"]), "", "", text(delta["partial_json"]));
    }
  }
  return made.length ? { role: "assistant", parts: made } : null;
}

function turn(message: Json): Turn {
  const role = text(message["role"]) || "assistant";
  const said: Part[] = [];
  const thought = text(message["reasoning_content"] ?? message["reasoning"]);
  if (thought) said.push({ kind: "reasoning", text: thought });
  if (role === "tool") return { role, parts: [{ kind: "result", id: text(message["tool_call_id"]), text: plain(message["content"]), failed: false }] };
  said.push(...parts(message["content"]));
  if (message["refusal"]) said.push({ kind: "text", text: text(message["refusal"]) });
  for (const one of list(message["tool_calls"])) {
    const asked = isObject(one) && isObject(one["function"]) ? one["function"] : {};
    said.push({ kind: "call", name: text(asked["name"]), id: isObject(one) ? text(one["id"]) : "", input: pretty(text(asked["arguments"])) });
  }
  return { role, parts: said };
}

function parts(content: unknown): Part[] {
  if (content === null || content === undefined || content === "") return [];
  if (typeof content === "string") return [{ kind: "text", text: content }];
  return list(content).map(part);
}

function part(block: unknown): Part {
  if (!isObject(block)) return { kind: "text", text: text(block) };
  switch (block["type"]) {
    case "text":
    case "input_text":
    case "output_text":
      return { kind: "text", text: text(block["text"]) };
    case "thinking":
      return { kind: "reasoning", text: text(block["thinking"]) };
    case "image_url":
      return image(isObject(block["image_url"]) ? text(block["image_url"]["url"]) : text(block["image_url"]));
    case "image": {
      const source = isObject(block["source"]) ? block["source"] : {};
      return image(source["type"] === "base64" ? `data:${text(source["media_type"])};base64,${text(source["data"])}` : text(source["url"]));
    }
    case "tool_use":
      return { kind: "call", name: text(block["name"]), id: text(block["id"]), input: JSON.stringify(block["input"], null, 2) ?? "" };
    case "tool_result":
      return { kind: "result", id: text(block["tool_use_id"]), text: plain(block["content"]), failed: block["is_error"] === true };
    default:
      return { kind: "other", about: text(block["type"]) || "an unknown part" };
  }
}

const SHOWN_IMAGES = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/;

/** Only images that came along are shown: nothing is fetched from anywhere. */
function image(url: string): Part {
  return SHOWN_IMAGES.test(url) ? { kind: "image", url, about: "image" } : { kind: "image", url: null, about: url.startsWith("data:") ? url.slice(0, url.indexOf(",") > 0 ? Math.min(url.indexOf(","), 60) : 60) : url };
}

function tool(given: Json): Conversation["tools"][number] {
  const inside = isObject(given["function"]) ? given["function"] : given;
  return { name: text(inside["name"]) || text(inside["type"]), about: text(inside["description"]), schema: JSON.stringify(inside["parameters"] ?? inside["input_schema"] ?? {}, null, 2) };
}

function plain(content: unknown): string {
  if (!Array.isArray(content)) return text(content);
  return content.map((block) => (isObject(block) && typeof block["text"] === "string" ? block["text"] : `[${isObject(block) ? text(block["type"]) : "part"}]`)).join("\n");
}

function pretty(json: string): string {
  const parsed = parse(json);
  return parsed === undefined ? json : JSON.stringify(parsed, null, 2);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
