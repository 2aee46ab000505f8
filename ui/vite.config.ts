// Builds into src/asbru/ui_files. Files are stored compressed as well, because the control process compresses nothing.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, URL } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const built = fileURLToPath(new URL("../src/asbru/ui_files", import.meta.url));

function packed(): Plugin {
  return {
    name: "asbru-packed",
    apply: "build",
    closeBundle() {
      for (const entry of readdirSync(built, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|svg)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const content = readFileSync(path);
        writeFileSync(`${path}.br`, brotliCompressSync(content));
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  base: "/ui/",
  plugins: [react(), packed()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: built,
    emptyOutDir: true,
    manifest: true, // read by the test of what a page weighs
    target: "es2023",
    assetsInlineLimit: 0, // the policy allows no inline script, and a file is cached
    chunkSizeWarningLimit: 600,
    modulePreload: { polyfill: false },
    rolldownOptions: { checks: { pluginTimings: false } }, // compressing takes its time
  },
  // `npm run dev` beside a gateway: ASBRU_URL says where it is.
  server: { proxy: { "/api": process.env["ASBRU_URL"] ?? "http://127.0.0.1:8080" } },
});
