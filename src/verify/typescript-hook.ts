// A module hook that strips the types of a user's TypeScript with the compiler installed beside it, for Node 20.

import type { InitializeHook, LoadHook } from "node:module";

interface Compiler {
  transpileModule(source: string, options: { readonly compilerOptions: object }): { readonly outputText: string };
}

let compilerUrl = "";
let compiler: Compiler | null = null;

export const initialize: InitializeHook<{ readonly compiler: string }> = (data) => {
  compilerUrl = data.compiler;
};

export const load: LoadHook = async (url, context, nextLoad) => {
  if (!/\.m?ts$/.test(new URL(url).pathname)) return nextLoad(url, context);
  const loaded = await nextLoad(url, { ...context, format: "module" });
  compiler ??= ((await import(compilerUrl)) as { readonly default: Compiler }).default;
  const { outputText } = compiler.transpileModule(textOf(loaded.source), {
    compilerOptions: { target: "es2022", module: "esnext", verbatimModuleSyntax: true },
  });
  return { ...loaded, format: "module", source: outputText, shortCircuit: true };
};

function textOf(source: string | ArrayBuffer | NodeJS.TypedArray | undefined): string {
  if (typeof source === "string" || source === undefined) return source ?? "";
  return Buffer.from(source instanceof ArrayBuffer ? source : source.buffer).toString("utf8");
}
