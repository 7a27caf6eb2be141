// A user's own reward: the interface a module implements, and loading one from a file.

import module from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { builtNeighbour } from "../base/built-file.ts";
import { SwarrError, messageOf } from "../base/errors.ts";
import { isObject, quote } from "../base/json.ts";
import type { Reward, RewardInput } from "./reward.ts";

/** What a reward module exports, as `export const reward = defineReward({…})` (or as its default export). */
export interface RewardModule {
  /** names the reward in events and reports */
  readonly name: string;
  /** A finite number, or a total with its terms; larger is better. Called once a rollout, the verdict already there. */
  score(input: RewardInput): number | Reward | Promise<number | Reward>;
}

/** A loaded reward, its results checked. */
export interface LoadedReward {
  readonly name: string;
  /** @throws `BAD_REWARD` when the module throws or gives no finite number */
  score(input: RewardInput): Promise<Reward>;
}

/** Gives a reward module its type; returns it unchanged. */
export function defineReward(reward: RewardModule): RewardModule {
  return reward;
}

/**
 * Loads a reward from `.js`, `.mjs` or `.ts`. TypeScript runs where Node strips types by itself (22.18 and later), and on
 * Node 20 when the `typescript` package can be found from the module's folder.
 *
 * @throws `BAD_REWARD` when the file cannot be loaded or exports no reward; `UNSUPPORTED` for TypeScript that cannot run
 */
export async function loadReward(file: string): Promise<LoadedReward> {
  const full = path.resolve(file);
  const exports = await importReward(full);
  const found = isObject(exports) ? (exports["reward"] ?? exports["default"]) : undefined;
  if (!isReward(found)) {
    throw new SwarrError("BAD_REWARD", {
      what: `${file} exports ${quote(isObject(exports) ? Object.keys(exports) : exports)}.`,
      expected: "`export const reward = defineReward({ name, score })`.",
      fix: "See docs/verifier.md for an example.",
    });
  }
  return { name: found.name, score: (input) => checkedScore(found, input, ` in ${file}`) };
}

/**
 * Asks a reward and checks what it says; a plain number becomes a term of the reward's name.
 *
 * @param where  what the reward comes from, as in "in mine.ts"; empty where it is known
 * @throws `BAD_REWARD` when it throws or gives no finite number
 */
export async function checkedScore(reward: RewardModule, input: RewardInput, where: string): Promise<Reward> {
  const name = `The reward "${reward.name}"${where}`;
  let result: unknown;
  try {
    result = await reward.score(input);
  } catch (cause) {
    throw badResult(`${name} threw: ${messageOf(cause)}.`, cause);
  }
  const scored = typeof result === "number" ? { total: result, terms: { [reward.name]: result } } : result;
  if (isFiniteReward(scored)) return scored;
  throw badResult(`${name} gave ${quote(result)}.`, undefined);
}

function badResult(what: string, cause: unknown): SwarrError {
  return new SwarrError(
    "BAD_REWARD",
    { what, expected: "a finite number, or { total, terms } of finite numbers.", fix: "Correct the reward module." },
    { cause },
  );
}

function isReward(value: unknown): value is RewardModule {
  return isObject(value) && typeof value["name"] === "string" && typeof value["score"] === "function";
}

function isFiniteReward(value: unknown): value is Reward {
  if (!isObject(value) || !Number.isFinite(value["total"])) return false;
  const terms = value["terms"];
  return isObject(terms) && Object.values(terms).every((term) => Number.isFinite(term));
}

async function importReward(full: string): Promise<unknown> {
  if (/\.[cm]?ts$/.test(full)) prepareTypeScript(full);
  try {
    return (await import(pathToFileURL(full).href)) as unknown;
  } catch (cause) {
    throw new SwarrError(
      "BAD_REWARD",
      {
        what: `Cannot load the reward module ${full}: ${messageOf(cause)}.`,
        expected: "an ES module that Node can import.",
        fix: "Check the path, and that it runs by itself with `node`.",
      },
      { cause },
    );
  }
}

let hooked = false;

/** Makes `import` of TypeScript work in this process, by Node itself or by a load hook over the compiler. */
function prepareTypeScript(full: string): void {
  // Truthy where Node strips types; the property is unknown to Node 20 and its type declarations.
  if ((process.features as { readonly typescript?: unknown }).typescript || hooked) return;
  const compiler = typescriptNear(full);
  if (compiler === null) {
    throw new SwarrError("UNSUPPORTED", {
      what: `${full} is TypeScript, which Node ${process.versions.node} cannot run by itself.`,
      expected: "Node 22.18 or later, or the typescript package beside the module.",
      fix: "Run `npm install typescript` in the module's folder, or write the reward as .mjs.",
    });
  }
  module.register(builtNeighbour(import.meta.url, "typescript-hook"), { data: { compiler } });
  hooked = true;
}

function typescriptNear(full: string): string | null {
  for (const from of [pathToFileURL(full).href, import.meta.url]) {
    try {
      return pathToFileURL(module.createRequire(from).resolve("typescript")).href;
    } catch {
      // Not there: look in the next place.
    }
  }
  return null;
}
