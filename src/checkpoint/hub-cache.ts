// Names of hub models and where the hub's own cache keeps them, shared with every other program on the machine.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { SwarrError } from "../base/errors.ts";
import { writeFileAtomic } from "../base/files.ts";

export interface HubName {
  /** `org/name` */
  readonly repository: string;
  /** A branch, a tag or a commit; `main` when none is given. */
  readonly revision: string;
}

export interface HubSettings {
  readonly endpoint: string;
  readonly cache: string;
  readonly token: string | undefined;
  readonly offline: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const NAME = /^(?<repository>[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*)(@(?<revision>[\w][\w./-]*))?$/;
const COMMIT = /^[0-9a-f]{40}$/;

/** @returns null when the text is not `org/name` or `org/name@revision` */
export function parseHubName(text: string): HubName | null {
  const found = NAME.exec(text)?.groups;
  if (found === undefined || text.includes("..")) return null;
  return { repository: found.repository!, revision: found.revision ?? "main" };
}

/**
 * What the environment says, in the words of the hub's own programs.
 *
 * @source huggingface_hub: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE
 */
export function hubSettings(environment: Environment = process.env): HubSettings {
  const set = (name: string): string | undefined => environment[name] || undefined;
  const home = set("HF_HOME") ?? path.join(set("XDG_CACHE_HOME") ?? path.join(os.homedir(), ".cache"), "huggingface");
  return {
    endpoint: (set("HF_ENDPOINT") ?? "https://huggingface.co").replace(/\/+$/, ""),
    cache: set("HF_HUB_CACHE") ?? set("HUGGINGFACE_HUB_CACHE") ?? path.join(home, "hub"),
    token: set("HF_TOKEN") ?? set("HUGGING_FACE_HUB_TOKEN"),
    offline: /^(1|on|yes|true)$/i.test(set("HF_HUB_OFFLINE") ?? ""),
  };
}

/** The folders of one model in the cache: contents by hash, names by revision. */
export class HubCache {
  readonly blobs: string;
  readonly #root: string;

  constructor(cache: string, repository: string) {
    this.#root = path.join(cache, `models--${repository.replaceAll("/", "--")}`);
    this.blobs = path.join(this.#root, "blobs");
  }

  snapshot(commit: string): string {
    return path.join(this.#root, "snapshots", commit);
  }

  /** @returns the commit that a branch or tag stood for when it was last downloaded, or null */
  commitOf(revision: string): string | null {
    if (COMMIT.test(revision)) return revision;
    const file = path.join(this.#root, "refs", revision);
    const commit = fs.existsSync(file) ? fs.readFileSync(file, "utf8").trim() : "";
    return COMMIT.test(commit) ? commit : null;
  }

  remember(revision: string, commit: string): void {
    if (revision !== commit) writeFileAtomic(path.join(this.#root, "refs", revision), commit);
  }

  /** Gives a stored content its name in a snapshot: a relative link, or a copy where links are not allowed. */
  place(hash: string, commit: string, name: string): void {
    const file = path.join(this.snapshot(commit), name);
    if (fs.existsSync(file)) return;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.rmSync(file, { force: true });
    const blob = path.join(this.blobs, hash);
    try {
      fs.symlinkSync(path.relative(path.dirname(file), blob), file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error; // Windows without the right to make links
      fs.copyFileSync(blob, file);
    }
  }
}

/** @throws `NETWORK` when the model is not in the cache */
export function cachedSnapshot(name: HubName, settings: HubSettings): string {
  const cache = new HubCache(settings.cache, name.repository);
  const commit = cache.commitOf(name.revision);
  if (commit !== null && fs.existsSync(path.join(cache.snapshot(commit), "config.json"))) return cache.snapshot(commit);
  throw new SwarrError("NETWORK", {
    what: `${name.repository} at ${name.revision} is not in the cache ${settings.cache}, and HF_HUB_OFFLINE is set.`,
    expected: "a model that was downloaded before.",
    fix: "Unset HF_HUB_OFFLINE to download it, or name a local folder.",
  });
}
