// Every folder of pages/ with a page.ts is a page: found here, ordered as the rail shows them.

import { may } from "@/kit/session";
import { GROUPS, type PageEntry } from "@/kit/page";
import type { Me } from "@/kit/types";

const found = import.meta.glob<{ page: PageEntry }>("../pages/*/page.ts", { eager: true });

export const pages: readonly PageEntry[] = Object.values(found)
  .map((module) => module.page)
  .sort((a, b) => place(a) - place(b));

/** The pages that this person may see, of the rail. */
export function shownPages(me: Me | undefined): PageEntry[] {
  return pages.filter((page) => page.group && may(me, page.needs));
}

function place(page: PageEntry): number {
  return (page.group ? GROUPS.indexOf(page.group) : GROUPS.length) * 1000 + page.order;
}
