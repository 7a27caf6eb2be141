// npm run build, and `prepare` after npm ci. With --if-possible it steps aside where the compiler is not installed.

import { build, canBuild } from "./lib/compile.mjs";

if (process.argv.includes("--if-possible") && !canBuild()) {
  process.stderr.write("swarr: the compiler is not installed (npm ci --omit=dev?), so dist/ is left as it is.\n");
} else {
  process.exitCode = await build({ force: process.argv.includes("--force") });
}
