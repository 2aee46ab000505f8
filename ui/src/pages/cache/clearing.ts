// What is to be cleared, as a query of the API and in people's words. It draws nothing.

export type By = "tag" | "prefix" | "key" | "all";

export const BY: readonly { value: By; label: string; help: string }[] = [
  { value: "tag", label: "Tag", help: "Entries that were kept with this tag (the request header x-asbru-cache-tag)." },
  { value: "prefix", label: "Key prefix", help: "Entries whose keys begin so: key:search/ are those of the virtual key search." },
  { value: "key", label: "Key", help: "The entry of this key (the response header x-asbru-cache-key)." },
  { value: "all", label: "All", help: "All entries, in the memory of workers and in the database." },
];

/** The path that clears; null while nothing is named. */
export function clearingPath(by: By, word: string): string | null {
  if (by === "all") return "cache?all=true";
  const named = word.trim();
  return named ? `cache?${new URLSearchParams({ [by]: named }).toString()}` : null;
}

export function clearingWords(by: By, word: string): string {
  switch (by) {
    case "all": return "All entries are forgotten.";
    case "tag": return `Entries with the tag ${word.trim()} are forgotten.`;
    case "prefix": return `Entries whose keys begin with ${word.trim()} are forgotten.`;
    case "key": return `The entry ${word.trim()} is forgotten.`;
  }
}
