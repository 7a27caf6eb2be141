// Downloads a model from the hub into the hub's own cache: only what is needed, gone on with after a break, checked by hash.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { pipeline } from "node:stream/promises";
import { HubApiError, downloadFile, listFiles, modelInfo, type ListFileEntry } from "@huggingface/hub";
import { SwarrError, messageOf } from "../base/errors.ts";
import { quote } from "../base/json.ts";
import { asNetworkError } from "./hub-errors.ts";
import { HubCache, cachedSnapshot, type HubName, type HubSettings } from "./hub-cache.ts";
import { INDEX_NAME, WEIGHTS_NAME } from "./weight-files.ts";

const ANSWER_MS = 15_000;

type Report = (line: string) => void;

/** Small files that say what the model is; weights are chosen by the index. */
const WANTED =
  /^([\w.-]+\.(json|jinja|txt|model)|LICENSE[\w.-]*|README\.md|additional_chat_templates\/[\w.-]+\.jinja)$/;
const NOT_WANTED = /^(params\.json|consolidated.*|.*\.(bin|h5|msgpack|onnx)\.index\.json)$/;

/** A file is tried so often, going on where it broke off. */
const TRIES = 4;

/** Progress is told for files of at least this size, at every tenth. */
const LARGE_BYTES = 20_000_000;

/**
 * The snapshot folder of a hub model, downloaded where needed.
 *
 * @throws `NETWORK` when the hub refuses, cannot be reached, or sends something else than it announced
 */
export async function downloadModel(name: HubName, settings: HubSettings, report: Report): Promise<string> {
  if (settings.offline) return cachedSnapshot(name, settings);
  return await asNetworkError(name, settings, "read", async () => {
    const cache = new HubCache(settings.cache, name.repository);
    const hub = { hubUrl: settings.endpoint, ...(settings.token === undefined ? {} : { accessToken: settings.token }) };
    const { repository, revision } = name;
    const about = { ...hub, fetch: impatientFetch };
    const { sha: commit } = await modelInfo({ ...about, name: repository, revision, additionalFields: ["sha"] });
    if (!/^[0-9a-f]{40}$/.test(commit)) throw new Error(`the hub names the commit ${quote(commit)}`);
    const files: ListFileEntry[] = [];
    for await (const entry of listFiles({ ...about, repo: repository, revision: commit, recursive: true }))
      files.push(entry);
    const fetchFile = async (file: ListFileEntry): Promise<void> => {
      const hash = contentHash(file);
      const open = async (from: number): Promise<ReadableStream> => {
        const blob = await downloadFile({ ...hub, repo: repository, path: file.path, revision: commit });
        if (blob === null) throw new Error(`the hub lists ${file.path} and does not have it`);
        return blob.slice(from, blob.size).stream();
      };
      await fetchContent({ name, file, hash, target: path.join(cache.blobs, hash), open, report });
      cache.place(hash, commit, file.path);
    };
    for (const file of files) if (WANTED.test(file.path) && !NOT_WANTED.test(file.path)) await fetchFile(file);
    for (const file of weightsAmong(files, cache.snapshot(commit), name)) await fetchFile(file);
    cache.remember(revision, commit);
    return cache.snapshot(commit);
  });
}

/** For questions with short answers: a hub that does not answer must not hold a command up. */
const impatientFetch: typeof fetch = (url, options) =>
  fetch(url, { ...options, signal: AbortSignal.timeout(ANSWER_MS) });

/** The shards of the index, or the one whole file. */
function weightsAmong(files: readonly ListFileEntry[], snapshot: string, name: HubName): readonly ListFileEntry[] {
  const index = path.join(snapshot, INDEX_NAME);
  const wanted = fs.existsSync(index)
    ? new Set(Object.values((JSON.parse(fs.readFileSync(index, "utf8")) as { weight_map?: object }).weight_map ?? {}))
    : new Set([WEIGHTS_NAME]);
  const found = files.filter((file) => wanted.has(file.path) && /^[\w.-]+$/.test(file.path));
  if (found.length === wanted.size && found.length > 0) return found;
  throw new SwarrError("NETWORK", {
    what: `${name.repository} has ${found.length} of the ${wanted.size} safetensors files that it needs.`,
    expected: `${WEIGHTS_NAME}, or every file that ${INDEX_NAME} names.`,
    fix: "Choose a revision with safetensors weights.",
  });
}

/** The name of a content in the cache: its SHA-256 for large files, its git object id for others. */
function contentHash(file: ListFileEntry): string {
  const hash = file.lfs?.oid ?? file.oid ?? "";
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) return hash;
  throw new Error(`the hub gives ${file.path} the hash ${quote(hash)}`);
}

interface Fetch {
  readonly name: HubName;
  readonly file: ListFileEntry;
  readonly hash: string;
  readonly target: string;
  readonly report: Report;
  /** The content from that byte on. */
  open(from: number): Promise<ReadableStream>;
}

/** Fetches into `<hash>.incomplete`, which a later try goes on with, and renames it once its hash is right. */
async function fetchContent(fetch: Fetch): Promise<void> {
  const { file, target } = fetch;
  if (fs.existsSync(target)) return;
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const partial = `${target}.incomplete`;
  for (let attempt = 1; sizeOf(partial) < file.size || !fs.existsSync(partial); attempt++) {
    try {
      await appendRest(fetch, partial);
    } catch (error) {
      // A read that broke off is gone on with; what the hub refuses, it will refuse again.
      if (attempt >= TRIES || error instanceof HubApiError) throw error;
      fetch.report(`${file.path}: ${messageOf(error)}; going on at byte ${sizeOf(partial)}`);
    }
  }
  if ((await hashOf(partial, fetch.hash)) !== fetch.hash || sizeOf(partial) !== file.size) {
    fs.rmSync(partial);
    throw new Error(`${file.path} arrived as something else than the hub announced`);
  }
  fs.renameSync(partial, target);
}

async function appendRest({ name, file, open, report }: Fetch, partial: string): Promise<void> {
  let done = sizeOf(partial);
  if (file.size === 0) return fs.writeFileSync(partial, "");
  let told = Math.floor((10 * done) / file.size);
  if (file.size >= LARGE_BYTES) report(`${name.repository}: ${file.path}, ${megabytes(file.size)}`);
  const source = Readable.fromWeb(await open(done));
  source.on("data", (chunk: Uint8Array) => {
    done += chunk.length;
    const tenths = Math.floor((10 * done) / file.size);
    if (file.size >= LARGE_BYTES && tenths > told) report(`${file.path}: ${10 * tenths} %`);
    told = tenths;
  });
  await pipeline(source, fs.createWriteStream(partial, { flags: "a" }));
  if (done < file.size) throw new Error(`the connection ended at byte ${done} of ${file.size}`);
}

/** SHA-256, or for the 40 digits of a git object id SHA-1 over git's own header and the content. */
async function hashOf(file: string, like: string): Promise<string> {
  const hash = createHash(like.length === 64 ? "sha256" : "sha1");
  if (like.length === 40) hash.update(`blob ${sizeOf(file)}\0`);
  for await (const chunk of fs.createReadStream(file)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

function sizeOf(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
