// `swarr serve-reward`: the verifier as a local HTTP service for other trainers.

import type { Command } from "commander";
import type { CommandModule } from "../command.ts";
import { portNumber, realNumber, wholeNumber } from "../flags.ts";
import { withInterrupt } from "../interrupt.ts";

interface ServeRewardFlags {
  readonly port: number;
  readonly rewards?: string;
  readonly formatWeight: number;
  readonly overlongBuffer?: number;
  readonly json?: boolean;
}

export const serveRewardCommand: CommandModule = {
  name: "serve-reward",
  summary: "the verifier over HTTP on loopback, for other trainers",
  example: "swarr serve-reward --port 8710",
  register(program: Command): void {
    program
      .command("serve-reward")
      .description(
        'Answers POST /grade with {"items": [{"gold", "prediction"}, …]}: {"results": [{index, verdict, answer, reason,\n' +
          "milliseconds, reward, terms}, …]} in order. One item may be sent by itself. Runs until Ctrl-C.",
      )
      .option("--port <P>", "0 takes any free port", portNumber, 8710)
      .option("--rewards <file>", "a reward module of your own (.mjs, .js or .ts) instead of the terms below")
      .option("--format-weight <w>", "adds w for one closed answer at the end", realNumber(-100, 100), 0)
      .option("--overlong-buffer <N>", "takes away up to 1 over the last N tokens before maxTokens", wholeNumber(1))
      .option("--json", "print where it listens as JSON")
      .action(serveReward);
  },
};

async function serveReward(flags: ServeRewardFlags): Promise<void> {
  const { createVerifier } = await import("../../verify/verify.ts");
  const { loadReward } = await import("../../verify/reward-module.ts");
  const { startRewardServer } = await import("../../serve/reward-server.ts");
  const custom = flags.rewards === undefined ? undefined : await loadReward(flags.rewards);
  const overlong = flags.overlongBuffer === undefined ? null : { bufferTokens: flags.overlongBuffer, weight: 1 };
  const verifier = createVerifier({ workers: 2 });
  try {
    const rewards = { formatWeight: flags.formatWeight, overlong };
    const server = await startRewardServer({ verifier, port: flags.port, rewards, ...(custom && { custom }) });
    process.stdout.write(flags.json ? `${JSON.stringify({ url: server.url })}\n` : `Listening on ${server.url}\n`);
    await untilInterrupted();
    await server.close();
  } finally {
    await verifier.close();
  }
}

/** Ctrl-C is how this command ends; it leaves nothing to go on with. */
function untilInterrupted(): Promise<void> {
  return withInterrupt("Start it again with: swarr serve-reward.", (signal) => {
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  });
}
