// The sides of the comparison: processes that live on, asked one order at a time over their stdin and stdout.

import { spawn } from "node:child_process";
import path from "node:path";
import readline from "node:readline";

class Side {
  #child;
  #answers;
  #lastWords = "";
  #ended = null;

  /** @param env  added to this process's own */
  constructor(program, args, env = {}) {
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.#answers = readline.createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#child.stderr.setEncoding("utf8").on("data", (text) => {
      const lines = text.split("\n").filter((line) => line.trim() !== "");
      this.#lastWords = lines.at(-1) ?? this.#lastWords;
    });
    this.#child.stdin.on("error", () => undefined);
    this.#child.on("error", (thrown) => (this.#ended = thrown.message));
    this.#child.on("exit", (code) => (this.#ended ??= `ended with status ${code}`));
  }

  async ask(kind, order = {}) {
    this.#child.stdin.write(`${JSON.stringify({ kind, ...order })}\n`);
    const { value: line, done } = await this.#answers.next();
    if (done) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw new Error(`${this.#ended ?? "ended"}: ${this.#lastWords}`);
    }
    const { value, error } = JSON.parse(line);
    if (error !== undefined) throw new Error(error);
    return value;
  }

  end() {
    this.#child.stdin.end();
  }
}

/** One process a script of this folder, started when first asked for. */
export class Sides {
  #open = new Map();
  #python;
  #env;

  constructor(python, threads) {
    this.#python = python;
    this.#env = { OMP_NUM_THREADS: String(threads), TOKENIZERS_PARALLELISM: "false", HF_HUB_OFFLINE: "1" };
  }

  /** @returns the side and the versions it runs on, or in `missing` why there is none */
  async open(script) {
    const known = this.#open.get(script);
    if (known !== undefined) return known;
    const program = script.endsWith(".mjs") ? process.execPath : this.#python;
    const side = new Side(program, [path.join(import.meta.dirname, script)], this.#env);
    let opened;
    try {
      opened = { side, versions: await side.ask("versions") };
    } catch (thrown) {
      opened = { side, missing: thrown.message };
    }
    this.#open.set(script, opened);
    return opened;
  }

  end(script) {
    this.#open.get(script)?.side.end();
    this.#open.delete(script);
  }

  endAll() {
    for (const script of [...this.#open.keys()]) this.end(script);
  }
}
