// What a person calls MODEL, as a local folder.

import { checkFolder } from "./folder-files.ts";

/**
 * @param model  a Hugging Face folder
 * @param report  gets progress, a line at a time
 * @throws `FILE_MISSING` when there is none
 */
export async function openModel(model: string, report: (line: string) => void): Promise<string> {
  void report;
  checkFolder(model);
  return model;
}
