// How the dashboard's page is bundled: into dist/dashboard/page, beside the server that serves it.

import { defineConfig } from "vite";

// eslint-disable-next-line no-restricted-syntax -- the bundler looks for a default export
export default defineConfig({
  base: "./",
  build: {
    outDir: "../../../dist/dashboard/page",
    emptyOutDir: true,
    // Every asset a file of its own: the server's policy forbids scripts and styles inside the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
});
