// The icons of the UI: strokes on a grid of 24, one line each. Decorative: a control with only an icon has a label.

const PATHS = {
  overview: "M4 19V5M4 19h16M8 15l4-5 3 3 5-7",
  records: "M5 6h14M5 12h14M5 18h9",
  sessions: "M4 6h7M7 12h9M12 18h8M4 6v.01M7 12v.01M12 18v.01",
  providers: "M7 7h10v10H7zM4 10h3M4 14h3M17 10h3M17 14h3M10 4v3M14 4v3M10 17v3M14 17v3",
  models: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12v9M12 12L4 7.5",
  playground: "M5 5h14v11H9l-4 4zM9 9h6M9 12h4",
  keys: "M14.5 9.5a4.5 4.5 0 1 1-3.2-1.3M11 13l9-9M16 8l3 3",
  teams: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20a6 6 0 0 1 12 0M16 11a3 3 0 1 0-1-5.8M17 14.5a5 5 0 0 1 4 5.5",
  rules: "M6 4v7a3 3 0 0 0 3 3h9M15 10l4 4-4 4M6 4L3 7M6 4l3 3",
  fallbacks: "M4 7h9a4 4 0 0 1 4 4v6M13 13l4 4 4-4M4 17h5",
  limits: "M4 18a8 8 0 1 1 16 0M12 18l4-6",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
  users: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 21a7 7 0 0 1 14 0",
  tokens: "M4 8h16v8H4zM8 12h.01M12 12h.01M16 12h.01",
  roles: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
  system: "M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01",
  prices: "M12 3v18M16.5 7.5C15.5 6 14 5.5 12 5.5c-2.5 0-4.2 1.2-4.2 3.1 0 4.6 8.9 2.1 8.9 6.7 0 2-1.9 3.2-4.7 3.2-2.2 0-4-.8-5-2.5",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM20 20l-4.8-4.8",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  copy: "M9 9h10v10H9zM15 9V5H5v10h4",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
  rotate: "M20 11a8 8 0 1 0-2.3 6.2M20 5v6h-6",
  more: "M5 11.9v.2M12 11.9v.2M19 11.9v.2",
  columns: "M4 5h16v14H4zM10 5v14M15 5v14",
  filter: "M4 6h16l-6 7v5l-4 2v-7z",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M5.6 18.4L7 17M17 7l1.4-1.4",
  moon: "M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5z",
  help: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.7 9.5a2.4 2.4 0 1 1 3.4 2.2c-.8.4-1.1.8-1.1 1.8M12 16.5h.01",
  logout: "M14 4H5v16h9M10 12h10M16 8l4 4-4 4",
  menu: "M4 6h16M4 12h16M4 18h16",
  up: "M6 14l6-6 6 6",
  down: "M6 10l6 6 6-6",
  left: "M14 6l-6 6 6 6",
  right: "M10 6l6 6-6 6",
  external: "M14 5h5v5M19 5l-9 9M11 5H5v14h14v-6",
  warning: "M12 4l9 16H3zM12 10v4M12 17h.01",
  power: "M12 4v8M7 6.5a7.5 7.5 0 1 0 10 0",
  play: "M7 5l12 7-12 7z",
  pause: "M8 5v14M16 5v14",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
  download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={1.8} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of Asbru: a bridge. */
export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" fill="#0f5f66" />
      <path d="M5 22a11 11 0 0 1 22 0M10 22a6 6 0 0 1 12 0" fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" />
      <path d="M4 25h24" stroke="#fff" strokeWidth="2" strokeLinecap="round" />
    </svg>
  );
}
