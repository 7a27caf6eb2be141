// Where a module's neighbour lies as JavaScript: threads and child processes run the built files.

/**
 * @param here  `import.meta.url` of the module that asks; from the sources (in tests) the answer lies in `dist`
 * @param name  of a file in the same folder, without extension
 */
export function builtNeighbour(here: string, name: string): URL {
  const from = here.endsWith(".ts") ? here.replace(/\/src\/((?:(?!\/src\/).)*)$/, "/dist/$1") : here;
  return new URL(`./${name}.js`, from);
}
