// `swarr serve`: a model behind the completions protocol on loopback.

import type { Command } from "commander";
import type { CommandModule } from "../command.ts";
import { portNumber, wholeNumber, wholeNumberList, windowFlag } from "../flags.ts";
import { withInterrupt } from "../interrupt.ts";
import { note } from "../output.ts";

interface ServeFlags {
  readonly port: number;
  readonly window?: number | "full";
  readonly fullAttentionLayers?: readonly number[];
  readonly name?: string;
  readonly batch: number;
  readonly queue: number;
  readonly seed: number;
  readonly json?: boolean;
}

export const serveCommand: CommandModule = {
  name: "serve",
  summary: "OpenAI-style completions of a model on loopback",
  example: "swarr serve my-model --port 8000",
  register(program: Command): void {
    program
      .command("serve <model>")
      .description(
        "Answers POST /v1/completions, POST /v1/chat/completions (where the model has a chat template), GET /v1/models and\n" +
          "GET /health on 127.0.0.1, with streams, log-probs, echo and prompt_logprobs. Prompts are taken as they stand: no\n" +
          "beginning-of-text token is added. The request's model name is not looked at. Runs until Ctrl-C.",
      )
      .option("--port <P>", "0 takes any free port", portNumber, 8000)
      .option("--window <W>", "replaces the window of every layer; or full", windowFlag)
      .option("--full-attention-layers <list>", "layers that keep full attention, from 0, as 0,7", wholeNumberList())
      .option("--name <name>", "what /v1/models calls the model (default: the folder's name)")
      .option("--batch <N>", "responses decoded together at most", wholeNumber(1), 32)
      .option("--queue <N>", "responses that may wait; more are answered 429", wholeNumber(1), 256)
      .option("--seed <S>", "names the draws of requests without a seed", wholeNumber(0), 0)
      .option("--json", "print where it listens as JSON")
      .action(serve);
  },
};

async function serve(name: string, flags: ServeFlags): Promise<void> {
  const path = await import("node:path");
  const { openForUse } = await import("../open-for-use.ts");
  const { startCompletionServer } = await import("../../serve/completion-server.ts");
  const model = await openForUse(name, flags);
  const folder = path.resolve(model.folder);
  const { engine, config, weights, endIds } = model;
  const { port, batch, queue, seed } = flags;
  const tokenizer = model.hasTokenizer ? model.tokenizer : null;
  const served = flags.name ?? path.basename(folder);
  await withInterrupt("Start it again with: swarr serve.", async (signal) => {
    const server = await startCompletionServer({
      ...{ engine, config, weights, endIds, tokenizer, port, batch, queue, seed },
      ...{ name: served, folder },
    });
    const document = { url: server.url, model: served, windows: config.windows };
    // One line, so that a program that started this one can wait for it.
    process.stdout.write(flags.json === true ? `${JSON.stringify(document)}\n` : `Listening on ${server.url}\n`);
    if (!signal.aborted) {
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve, { once: true });
      });
    }
    await server.close();
  });
  note("Stopped.");
}
