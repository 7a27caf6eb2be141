#!/usr/bin/env node
// The `swarr` executable: arguments in, exit status out.

import { runCli } from "./program.ts";

// A reader that closes early (`swarr … | head`) is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

// The status is set, not forced: pending output still reaches a pipe.
process.exitCode = await runCli(process.argv.slice(2));
