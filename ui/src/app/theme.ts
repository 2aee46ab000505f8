// The tokens that Mantine knows. The rest (surfaces, lines, chart colours) are CSS variables in app/tokens.css.

import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const bridge: MantineColorsTuple = [
  "#e7f5f6", "#cfe9eb", "#a2d5d9", "#72bfc6", "#4bacb5", "#2c96a0", "#167e88", "#0c6870", "#09545b", "#063f45",
];

const dark: MantineColorsTuple = [
  "#e4e9eb", "#c3ccd0", "#9aa6ac", "#748087", "#3d484e", "#2c353a", "#20282c", "#171d20", "#111618", "#0b0f10",
];

const TITLE = { title: { fontWeight: 600, fontSize: "1rem" } };

export const theme = createTheme({
  primaryColor: "bridge",
  primaryShade: { light: 7, dark: 7 },
  colors: { bridge, dark },
  black: "#12181b",
  defaultRadius: "sm",
  fontFamily: "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif",
  fontFamilyMonospace: "'JetBrains Mono', ui-monospace, SFMono-Regular, Menlo, 'Liberation Mono', monospace",
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  lineHeights: { xs: "1.35", sm: "1.45", md: "1.5", lg: "1.5", xl: "1.5" },
  headings: {
    fontWeight: "600",
    sizes: { h1: { fontSize: "1.25rem", lineHeight: "1.3" }, h2: { fontSize: "1rem", lineHeight: "1.35" }, h3: { fontSize: "0.875rem", lineHeight: "1.4" } },
  },
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    Anchor: { defaultProps: { underline: "always" } },
    Button: { defaultProps: { size: "xs" } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray" } },
    TextInput: { defaultProps: { size: "sm" } },
    PasswordInput: { defaultProps: { size: "sm" } },
    NumberInput: { defaultProps: { size: "sm", hideControls: true } },
    Select: { defaultProps: { size: "sm", comboboxProps: { shadow: "md" }, checkIconPosition: "right" } },
    MultiSelect: { defaultProps: { size: "sm" } },
    TagsInput: { defaultProps: { size: "sm" } },
    Textarea: { defaultProps: { size: "sm" } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
    Drawer: { defaultProps: { position: "right", size: 560, transitionProps: { duration: 120 } }, styles: TITLE },
    Modal: { defaultProps: { centered: true, transitionProps: { duration: 100 } }, styles: TITLE },
    Menu: { defaultProps: { shadow: "md", position: "bottom-end", transitionProps: { duration: 80 } } },
  },
});

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-body": "#ffffff",
    "--mantine-color-text": "#12181b",
    "--mantine-color-dimmed": "#55626a",
    "--mantine-color-placeholder": "#6b7880",
    "--mantine-color-error": "#b42318",
    "--mantine-color-anchor": "#0c6870",
    "--mantine-color-yellow-light": "#fdf1dc",
    "--mantine-color-yellow-light-color": "#8a5300",
    "--mantine-color-red-light": "#fdeae8",
    "--mantine-color-red-light-color": "#b42318",
    "--mantine-color-bridge-light": "#e2f1f2",
    "--mantine-color-bridge-light-color": "#0c6870",
    "--mantine-color-gray-light": "#f0f4f4",
    "--mantine-color-gray-light-color": "#55626a",
  },
  dark: {
    "--mantine-color-body": "#111618",
    "--mantine-color-text": "#e4e9eb",
    "--mantine-color-dimmed": "#9aa6ac",
    "--mantine-color-placeholder": "#87939a",
    "--mantine-color-error": "#ff8f85",
    "--mantine-color-anchor": "#72bfc6",
    "--mantine-color-yellow-light": "#362708",
    "--mantine-color-yellow-light-color": "#e9b55a",
    "--mantine-color-red-light": "#3b1613",
    "--mantine-color-red-light-color": "#ff8f85",
    "--mantine-color-bridge-light": "#12343a",
    "--mantine-color-bridge-light-color": "#8fd3d9",
    "--mantine-color-gray-light": "#1b2327",
    "--mantine-color-gray-light-color": "#9aa6ac",
  },
});
