import type { PageEntry } from "@/kit/page";

/** Reached by the menu of the person, not by the rail; everyone has it. */
export const page: PageEntry = {
  path: "account",
  title: "Your account",
  order: 1,
  icon: "users",
  needs: "",
  words: "password session permissions",
  view: () => import("./view"),
};
