// The frame of every page: the rail, the palette, shortcuts, and the word that the control process is away.

import { ActionIcon, Button, Drawer, Menu, Tooltip, useMantineColorScheme, useComputedColorScheme } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useRef } from "react";
import { remove } from "@/kit/api";
import { connection, useAway } from "@/kit/connection";
import { Icon, Mark } from "@/kit/icons";
import { GROUPS, type PageEntry } from "@/kit/page";
import { useMe } from "@/kit/session";
import { type Shortcut, useShortcuts } from "@/kit/shortcuts";
import { toastFailed } from "@/kit/toasts";
import type { Me } from "@/kit/types";
import { shownPages } from "./pages";
import { openPalette } from "./palette-store";
import classes from "./shell.module.css";
import { ShortcutSheet } from "./shortcut-sheet";

const Palette = lazy(() => import("./palette"));
const MODIFIER = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";

export function Shell() {
  const me = useMe();
  const shown = useMemo(() => shownPages(me), [me]);
  const [helping, help] = useDisclosure(false);
  const [railing, rail] = useDisclosure(false);
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const toggleTheme = useToggleTheme();
  useRecovery();
  useEffect(() => rail.close(), [pathname]);
  useShellShortcuts(shown, help.open, toggleTheme);
  useHotkeys([["mod+K", openPalette]], []); // also while one types, and before the palette is loaded
  const inside = <RailContent me={me} shown={shown} onHelp={help.open} onTheme={toggleTheme} />;
  return (
    <>
      <a className="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>Skip to the content</a>
      <div className={classes.frame}>
        <nav className={classes.rail} aria-label="Pages">{inside}</nav>
        <div className={classes.bar}>
          <ActionIcon aria-label="Open the menu" size="lg" onClick={rail.open}><Icon name="menu" size={20} /></ActionIcon>
          <Brand />
          <ActionIcon aria-label="Search" size="lg" onClick={openPalette}><Icon name="search" size={18} /></ActionIcon>
        </div>
        <div style={{ minWidth: 0 }}>
          <AwayBanner />
          <main id="main" ref={main} tabIndex={-1} className={classes.main}><Outlet /></main>
        </div>
      </div>
      <Drawer opened={railing} onClose={rail.close} position="left" size={260} title="Menu" closeButtonProps={{ "aria-label": "Close the menu" }}>
        <nav className={`${classes.rail} ${classes.sheetRail}`} aria-label="Pages">{inside}</nav>
      </Drawer>
      <Suspense fallback={null}><Palette pages={shown} onTheme={toggleTheme} onHelp={help.open} /></Suspense>
      <ShortcutSheet opened={helping} onClose={help.close} pages={shown} modifier={MODIFIER} />
    </>
  );
}

function Brand() {
  return <Link to="/" className={classes.brand}><Mark />Asbru</Link>;
}

function RailContent({ me, shown, onHelp, onTheme }: { me: Me | undefined; shown: PageEntry[]; onHelp: () => void; onTheme: () => void }) {
  return (
    <>
      <Brand />
      <button type="button" className={classes.find} onClick={openPalette}>
        <Icon name="search" size={14} />Search<kbd>{MODIFIER} K</kbd>
      </button>
      {GROUPS.map((group) => {
        const inside = shown.filter((page) => page.group === group);
        if (inside.length === 0) return null;
        return (
          <div key={group} className={classes.group} role="group" aria-label={group}>
            <h2>{group}</h2>
            {inside.map((page) => (
              <Link key={page.path} to={`/${page.path}` as string} className={classes.link} activeOptions={{ exact: false, includeSearch: false }}>
                <Icon name={page.icon} />{page.title}
              </Link>
            ))}
          </div>
        );
      })}
      <div className={classes.foot}>
        <UserMenu me={me} onTheme={onTheme} onHelp={onHelp} />
        <Tooltip label="Keyboard shortcuts (?)"><ActionIcon aria-label="Keyboard shortcuts" onClick={onHelp}><Icon name="help" /></ActionIcon></Tooltip>
        <ThemeButton onTheme={onTheme} />
      </div>
    </>
  );
}

function ThemeButton({ onTheme }: { onTheme: () => void }) {
  const dark = useComputedColorScheme() === "dark";
  const label = dark ? "Light theme" : "Dark theme";
  return <Tooltip label={label}><ActionIcon aria-label={label} onClick={onTheme}><Icon name={dark ? "sun" : "moon"} /></ActionIcon></Tooltip>;
}

function UserMenu({ me, onTheme, onHelp }: { me: Me | undefined; onTheme: () => void; onHelp: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const logOut = async () => {
    try {
      await remove("session");
      client.clear();
      await navigate({ to: "/login" });
    } catch (error) {
      toastFailed("You are still logged in", error);
    }
  };
  return (
    <Menu position="top-start" width={200}>
      <Menu.Target>
        <button type="button" className={classes.who}>
          <Icon name="users" />
          <span className="clip">{me?.name.replace(/^user\//, "")}<small>{me?.role}</small></span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Icon name="users" />} onClick={() => void navigate({ to: "/account" as string })}>Your account</Menu.Item>
        <Menu.Item leftSection={<Icon name="moon" />} onClick={onTheme}>Switch theme</Menu.Item>
        <Menu.Item leftSection={<Icon name="help" />} onClick={onHelp}>Keyboard shortcuts</Menu.Item>
        <Menu.Item leftSection={<Icon name="external" />} component="a" href="/api/docs" target="_blank">API routes</Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="logout" />} onClick={() => void logOut()}>Log out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function AwayBanner() {
  const away = useAway();
  return (
    <div role="status">
      {away && (
        <div className={classes.away}>
          <Icon name="warning" />
          <span>The control process does not answer. Calls to models are still served; this page continues when it is back.</span>
          <Button variant="subtle" color="yellow.9" onClick={() => connection.retry()}>Try now</Button>
        </div>
      )}
    </div>
  );
}

/** Once the control process is back, everything that is shown is asked for anew. */
function useRecovery(): void {
  const client = useQueryClient();
  const away = useAway();
  const was = useRef(away);
  useEffect(() => {
    if (was.current && !away) void client.invalidateQueries();
    was.current = away;
  }, [away, client]);
}

function useToggleTheme(): () => void {
  const { setColorScheme } = useMantineColorScheme();
  const computed = useComputedColorScheme();
  return () => setColorScheme(computed === "dark" ? "light" : "dark");
}

function useShellShortcuts(shown: PageEntry[], onHelp: () => void, onTheme: () => void): void {
  const navigate = useNavigate();
  const latest = useRef({ onHelp, onTheme });
  latest.current = { onHelp, onTheme };
  const list = useMemo<Shortcut[]>(
    () => [
      ...shown.filter((page) => page.key).map((page) => ({ keys: `g ${page.key}`, words: page.title, run: () => void navigate({ to: `/${page.path}` as string }) })),
      { keys: "?", words: "Keyboard shortcuts", run: () => latest.current.onHelp() },
      { keys: "t", words: "Switch theme", run: () => latest.current.onTheme() },
    ],
    [shown, navigate],
  );
  useShortcuts(list);
}
