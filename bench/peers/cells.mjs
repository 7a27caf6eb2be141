// What is compared with what: every cell names the work, its size, and the peer that does the same.

const TRAINERS = [
  { peer: "PyTorch eager float32", compile: false, dtype: "float32" },
  { peer: "torch.compile float32", compile: true, dtype: "float32" },
  { peer: "PyTorch eager bf16 autocast", compile: false, dtype: "bf16" },
  { peer: "torch.compile bf16 autocast", compile: true, dtype: "bf16" },
];

const ATTENTIONS = { band: "band mask", blocks: "blockwise" };

const SAMPLERS = [
  { peer: "PyTorch eager, cached loop", script: "sample.py", way: "loop" },
  { peer: "transformers generate, sliding cache", script: "sample.py", way: "generate" },
];

const NEW_TOKENS = 128;
const PROMPT = 16;
const WINDOW = { S: 32, M: 64 };

function trainCells(config) {
  return TRAINERS.flatMap(({ peer, ...settings }) =>
    Object.entries(ATTENTIONS).map(([attention, words]) => ({
      id: `train/${config}/${settings.compile ? "compile" : "eager"}-${settings.dtype}/${attention}`,
      work: "train",
      config,
      peer: `${peer}, ${words}`,
      script: "train.py",
      settings: { ...settings, attention },
      // Ours rounds its factors too, where the processor multiplies bfloat16.
      precision: settings.dtype === "bf16" ? "bfloat16" : "float32",
      // Rounding to bf16 moves the loss by about a hundredth.
      tolerance: settings.dtype === "bf16" ? 2e-2 : 1e-3,
    })),
  );
}

function sampleCells(config) {
  return [64, 256].flatMap((sequences) => [
    ...SAMPLERS.map(({ peer, script, way }) => ({
      id: `sample/${config}/${sequences}/${way}`,
      work: "sample",
      config,
      sequences,
      newTokens: NEW_TOKENS,
      peer,
      script,
      settings: { way },
      tolerance: 1e-3,
    })),
    ...[1, 8].map((windows) => ({
      id: `sample/${config}/${sequences}/llama.cpp/${windows}W`,
      work: "sample",
      config,
      sequences,
      newTokens: windows * WINDOW[config] - PROMPT,
      peer: windows === 1 ? "llama.cpp f32, context <= W" : `llama.cpp f32, context ${windows}W (full attention there)`,
      script: "llama.py",
      settings: {},
      // Beyond the window llama.cpp does more work and another computation: nothing to hold equal.
      tolerance: windows === 1 ? 1e-3 : null,
    })),
  ]);
}

/** @param only  substrings of ids; empty keeps all */
export function cellsOf(only) {
  const all = [...["S", "M", "L"].flatMap(trainCells), ...["S", "M"].flatMap(sampleCells)];
  return only.length === 0 ? all : all.filter(({ id }) => only.some((part) => id.includes(part)));
}
