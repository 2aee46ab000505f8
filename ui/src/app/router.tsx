// Paths to views. Pages come from pages/; the rest is the way in. Views are loaded when they are first shown.

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { ApiError, get, whenEnded } from "@/kit/api";
import { queryClient } from "@/kit/query";
import { may, meQuery } from "@/kit/session";
import type { Page } from "@/kit/types";
import { parseSearch, stringifySearch } from "@/kit/url-state";
import { Broken } from "./broken";
import { NotFound } from "./not-found";
import { pages, shownPages } from "./pages";
import { Shell } from "./shell";

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, errorComponent: Broken });

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  beforeLoad: async () => {
    if (await needsSetup()) throw redirect({ to: "/start" });
  },
  component: lazyRouteComponent(() => import("./login")),
});

const start = createRoute({
  getParentRoute: () => root,
  path: "/start",
  beforeLoad: async () => {
    if (await needsSetup()) return;
    const me = await queryClient.ensureQueryData(meQuery).catch(() => {
      throw redirect({ to: "/login" });
    });
    if (!may(me, "providers:write") || !may(me, "keys:write") || (await hasKeys())) throw redirect({ to: "/" });
  },
  component: lazyRouteComponent(() => import("./first-start")),
});

const shell = createRoute({
  getParentRoute: () => root,
  id: "shell",
  component: Shell,
  errorComponent: Broken,
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(meQuery);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      throw redirect({ to: "/login", search: { next: location.href } as never });
    }
  },
});

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  beforeLoad: () => {
    const [first] = shownPages(queryClient.getQueryData(meQuery.queryKey));
    throw redirect({ to: `/${first?.path ?? "keys"}` as never });
  },
});

async function needsSetup(): Promise<boolean> {
  return (await get<{ needed: boolean }>("setup")).needed;
}

/** Whether the first start is over: somebody has created a key, or the file declares one. */
async function hasKeys(): Promise<boolean> {
  return (await get<Page<unknown>>("keys", { limit: 1 })).items.length > 0;
}

// The view of the address is fetched while it is still asked who is there.
void pages.find((page) => location.pathname.replace(/\/$/, "") === `/ui/${page.path}`)?.view();

const views = pages.map((page) =>
  createRoute({ getParentRoute: () => shell, path: `/${page.path}` as string, component: lazyRouteComponent(page.view), errorComponent: Broken }),
);

export const router = createRouter({
  routeTree: root.addChildren([login, start, shell.addChildren([home, ...views])]),
  basepath: "/ui",
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  defaultPendingMs: 150,
  defaultNotFoundComponent: NotFound,
  scrollRestoration: true,
  search: { strict: false },
});

whenEnded(() => {
  queryClient.removeQueries({ queryKey: meQuery.queryKey });
  void router.invalidate(); // asks who is there, and leads to the log-in with the way back
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

