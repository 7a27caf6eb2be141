// The thread of a replica other than the first: does what it is told, in order.

import { parentPort, workerData } from "node:worker_threads";
import { messageOf, SwarrError } from "../base/errors.ts";
import { invariant } from "../base/invariant.ts";
import { Member, type MemberOptions } from "./member.ts";
import type { Command, Reply } from "./messages.ts";

const port = parentPort;
invariant(port !== null, "this file is started as a worker");
const options = workerData as MemberOptions;
const member = await Member.open(options);
member.pull();

async function obey(command: Command): Promise<unknown> {
  switch (command.kind) {
    case "accumulate":
      return member.accumulate(command.batches);
    case "score":
      return member.score(command.batches);
    case "sample":
      return member.sample(command.requests, { endIds: command.endIds });
    case "update":
      return member.update(command.step, command.settings);
    case "pull":
      return member.pull();
    case "end":
      // The first replica ends this thread once it has the answer.
      return member.dispose();
    default:
      return command satisfies never;
  }
}

let queue = Promise.resolve();
port.on("message", (command: Command) => {
  queue = queue.then(async () => {
    let reply: Reply;
    try {
      reply = { id: command.id, kind: "done", value: await obey(command) };
    } catch (thrown) {
      const known = thrown instanceof SwarrError ? thrown : null;
      const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
      reply = { id: command.id, kind: "failed", code: known?.code ?? null, parts: known?.parts ?? null, text };
    }
    port.postMessage(reply);
  });
});
