// npm run demo: sets the checkout up if need be, then runs `swarr demo` with the flags given after `--`.

import { ROOT, runNode } from "./lib/repository.mjs";
import { setUp } from "./lib/setup.mjs";
import path from "node:path";

await setUp();
process.exitCode = await runNode(path.join(ROOT, "dist", "cli", "main.js"), ["demo", ...process.argv.slice(2)]);
