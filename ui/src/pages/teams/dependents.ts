// What belongs to an owner, so that a deletion can name it before the API refuses.

import { get } from "@/kit/api";
import type { Page, Stored } from "@/kit/types";

const NAMED_MAX = 5;

/** "key search-prod", "team search" and so on; the last one says that there are more. */
export async function dependents(kind: "team" | "customer", name: string): Promise<string[]> {
  const nouns = kind === "team" ? ["keys"] : ["teams", "keys"];
  const pages = await Promise.all(nouns.map((noun) => get<Page<Stored>>(noun, { [kind]: name, limit: NAMED_MAX + 1 })));
  const named = pages.flatMap((page, index) => page.items.map((one) => `${nouns[index]!.slice(0, -1)} ${one.id}`));
  return named.length > NAMED_MAX ? [...named.slice(0, NAMED_MAX), "and more"] : named;
}
