// The client of the management API: one function per verb, errors in people's words. It holds the session's CSRF value
// and says whether the control process answers; it knows no page.

import { connection } from "./connection";

export type Query = Record<string, string | number | boolean | undefined | null | readonly string[]>;

/** A refusal by the API. `message` is meant for people; `code` is stable. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterS: number | null;

  constructor(status: number, code: string, message: string, retryAfterS: number | null = null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

/** The control process, or the gateway, did not answer. Calls to models may still be served. */
export class Unreachable extends Error {
  constructor(message = "Asbru's control process does not answer at the moment") {
    super(message);
    this.name = "Unreachable";
  }
}

interface Options {
  query?: Query;
  body?: unknown;
  /** Refuse (412) unless the object still has this version. */
  version?: number;
  signal?: AbortSignal;
}

/** Routes where 401 is an answer to what was typed, or asked on purpose. */
const WAY_IN = new Set(["session", "setup", "me"]);

let csrf = "";

/** The value that a session sends with each change; from `/session` and `/me`. */
export function keepCsrf(value: string | undefined): void {
  if (value) csrf = value;
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
  request<T>("GET", path, { query, signal });
export const post = <T>(path: string, body?: unknown, options: Options = {}): Promise<T> =>
  request<T>("POST", path, { ...options, body: body ?? {} });
export const patch = <T>(path: string, body: unknown, version?: number): Promise<T> =>
  request<T>("PATCH", path, { body, version });
export const remove = (path: string, version?: number): Promise<void> =>
  request<void>("DELETE", path, { version });

let onEnded: () => void = () => {};

/** What to do when the session has ended, or was ended by somebody: the way in says. */
export function whenEnded(run: () => void): void {
  onEnded = run;
}

/** The address of a route, for links and event streams. */
export function apiUrl(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return `/api/v1/${path}${text ? `?${text}` : ""}`;
}

/** An object's id as a path: ids may hold slashes, which stay. */
export function idPath(id: string): string {
  return id.split("/").map(encodeURIComponent).join("/");
}

async function request<T>(method: string, path: string, options: Options): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (options.body !== undefined) headers["content-type"] = "application/json";
  if (method !== "GET" && csrf) headers["x-asbru-csrf"] = csrf;
  if (options.version !== undefined) headers["if-match"] = `"${options.version}"`;
  let response: Response;
  try {
    response = await fetch(apiUrl(path, options.query), {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ?? null,
      credentials: "same-origin",
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    connection.lost();
    throw new Unreachable();
  }
  if (response.ok) {
    connection.found();
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
  const refusal = await readRefusal(response);
  if (refusal.status === 502 || (refusal.status === 503 && /^the process/i.test(refusal.message))) {
    connection.lost();
    throw new Unreachable();
  }
  connection.found();
  if (refusal.status === 401 && !WAY_IN.has(path)) onEnded();
  throw refusal;
}

async function readRefusal(response: Response): Promise<ApiError> {
  const wait = Number(response.headers.get("retry-after"));
  const retryAfterS = Number.isFinite(wait) && wait > 0 ? wait : null;
  try {
    const said = ((await response.json()) as { error: { code: string; message: string } }).error;
    return new ApiError(response.status, said.code, sentence(said.message), retryAfterS);
  } catch {
    return new ApiError(response.status, "unknown", `The request failed with status ${response.status}.`, retryAfterS);
  }
}

function sentence(text: string): string {
  return text ? text[0]!.toUpperCase() + text.slice(1) : text;
}

/** What to show for anything that was thrown. */
export function wordsOf(error: unknown): string {
  if (error instanceof ApiError && error.retryAfterS !== null && error.status === 429)
    return `${error.message}. Wait ${error.retryAfterS} s.`;
  if (error instanceof Error) return error.message;
  return "Something went wrong.";
}
