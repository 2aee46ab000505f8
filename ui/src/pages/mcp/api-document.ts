// What a document of an HTTP API would become, and the server that is declared for it.

/** The answer of the preview. */
export interface Previewed {
  title: string;
  url: string;
  skipped: string[];
  schemes: string[];
  tools: { name: string; method: string; path: string; description: string }[];
}

/** A name for a server, of the title of its document: lower-case letters and digits, in parts separated by `-`. */
export function nameFor(title: string): string {
  return title.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 32).replace(/^-+|-+$/g, "");
}

/** The server with the operations that are wanted; where all are, it is to have those that the document gets later too. */
export function documentServer(document: string, form: { name: string; address: string; wanted: string[]; all: boolean; credentials: Record<string, string> }): Record<string, unknown> {
  const credentials = Object.fromEntries(Object.entries(form.credentials).filter(([, value]) => value));
  return {
    name: form.name,
    openapi: {
      document,
      operations: form.all ? ["*"] : form.wanted,
      ...(form.address ? { base_url: form.address } : {}),
      ...(Object.keys(credentials).length > 0 ? { credentials } : {}),
    },
  };
}
