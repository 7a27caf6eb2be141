// What a person calls MODEL, as a local folder: a path, or a name on the hub.

import fs from "node:fs";
import { checkFolder } from "./folder-files.ts";
import { hubSettings, parseHubName } from "./hub-cache.ts";

/**
 * A folder that exists is taken as it is, whatever its name; else `org/name` or `org/name@revision` is looked up on the
 * hub and downloaded into the hub's own cache.
 *
 * @param report  gets progress, a line at a time
 * @throws `FILE_MISSING` when there is no such folder; `NETWORK` when the hub does not give the model
 */
export async function openModel(model: string, report: (line: string) => void): Promise<string> {
  const name = fs.existsSync(model) ? null : parseHubName(model);
  if (name === null) {
    checkFolder(model);
    return model;
  }
  const { downloadModel } = await import("./hub.ts");
  const settings = hubSettings();
  report(
    `There is no folder ${model}: looking for it ${settings.offline ? "in the hub's cache" : `on ${settings.endpoint}`}.`,
  );
  return await downloadModel(name, settings, report);
}
