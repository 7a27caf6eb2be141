// Uploads a checkpoint folder to the hub as one commit.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createRepo, repoExists, uploadFilesWithProgress } from "@huggingface/hub";
import { SwarrError } from "../base/errors.ts";
import { everyFile } from "./carry.ts";
import { asNetworkError } from "./hub-errors.ts";
import type { HubName, HubSettings } from "./hub-cache.ts";

export interface Pushed {
  readonly commit: string;
  readonly files: readonly string[];
}

/**
 * Makes the repository when there is none (as public or private as its owner's default), and commits every file.
 *
 * @throws `BAD_ARGUMENT` without a token; `NETWORK` when the hub refuses or cannot be reached
 */
export async function pushFolder(
  folder: string,
  name: HubName,
  settings: HubSettings,
  report: (line: string) => void,
): Promise<Pushed> {
  const { token, endpoint, offline } = settings;
  if (token === undefined || offline) {
    throw new SwarrError("BAD_ARGUMENT", {
      what: offline ? "HF_HUB_OFFLINE is set, so nothing can be uploaded." : "There is no token to upload with.",
      expected: "HF_TOKEN with the right to write, and a connection.",
      fix: offline ? "Unset HF_HUB_OFFLINE." : "Set HF_TOKEN to a token from the hub's settings.",
    });
  }
  const files = everyFile(folder);
  return await asNetworkError(name, settings, "write", async () => {
    const hub = { hubUrl: endpoint, accessToken: token };
    if (!(await repoExists({ ...hub, repo: name.repository }))) await createRepo({ ...hub, repo: name.repository });
    const upload = uploadFilesWithProgress({
      ...hub,
      repo: name.repository,
      branch: name.revision,
      commitTitle: "Upload a checkpoint with swarr",
      files: files.map(({ file, name: place }) => ({
        path: place.split(path.sep).join("/"),
        content: pathToFileURL(fs.realpathSync(file)),
      })),
    });
    let step = await upload.next();
    for (; step.done !== true; step = await upload.next()) {
      const event = step.value;
      if (event.event === "fileProgress" && event.state === "uploading" && event.progress === 1)
        report(`${event.path}: sent`);
    }
    return { commit: step.value?.commit.oid ?? "", files: files.map(({ name: place }) => place) };
  });
}
