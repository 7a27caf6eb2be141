// Which files travel with a model when its weights or config are written anew, and which do not, with the reason.

import fs from "node:fs";
import path from "node:path";
import { checkpointFile } from "./folder-files.ts";

/** What belongs to the text side of a model, whatever its weights. */
const CARRIED =
  /^(tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|merges\.txt|tokenizer\.model|tokenizer\.model\.v\d+|spiece\.model|tekken\.json|chat_template\.(jinja|json)|generation_config\.json|LICENSE.*|NOTICE.*|USE_POLICY.*)$/i;

const TEMPLATE_FOLDER = "additional_chat_templates";

export interface CarriedFile {
  /** Where it is. */
  readonly file: string;
  /** Its place in the new folder. */
  readonly name: string;
}

/** The tokenizer, chat templates, generation settings and licences of a checkpoint. */
export function carriedFiles(folder: string): readonly CarriedFile[] {
  return everyFile(folder).filter(({ name }) => CARRIED.test(name) || path.dirname(name) === TEMPLATE_FOLDER);
}

/** Every file at the top of the folder, and the named chat templates below it. */
export function everyFile(folder: string): readonly CarriedFile[] {
  return [folder, path.join(folder, TEMPLATE_FOLDER)]
    .filter((one) => fs.existsSync(one))
    .flatMap((one) =>
      fs
        .readdirSync(one)
        .toSorted()
        .map((name) => path.relative(folder, path.join(one, name))),
    )
    .filter((name) => !fs.statSync(path.join(folder, name), { throwIfNoEntry: false })?.isDirectory())
    .flatMap((name) => {
      const file = checkpointFile(folder, name);
      return file === null ? [] : [{ file, name }];
    });
}

/** Copies the contents, never the link. */
export function copyFile({ file, name }: CarriedFile, folder: string): void {
  const target = path.join(folder, name);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.copyFileSync(fs.realpathSync(file), target, fs.constants.COPYFILE_FICLONE);
  fs.chmodSync(target, 0o644);
}
