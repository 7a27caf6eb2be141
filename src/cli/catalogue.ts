// The commands there are, in the order help lists them; a command is listed once it works.

import type { CommandEntry } from "./command.ts";

export const CATALOGUE: readonly CommandEntry[] = [
  {
    name: "demo",
    summary: "reproduce the finding from nothing on this machine, in minutes",
    load: async () => (await import("./commands/demo.ts")).demoCommand,
  },
  {
    name: "run",
    summary: "run a recipe: convert, SFT, RL, evaluate both arms, export, report",
    load: async () => (await import("./commands/run.ts")).runCommand,
  },
  {
    name: "sft",
    summary: "stage 1 alone: convert, fine-tune on worked solutions, evaluate",
    load: async () => (await import("./commands/sft.ts")).sftCommand,
  },
  {
    name: "rl",
    summary: "stage 2 alone: on-policy RL from the recipe's model",
    load: async () => (await import("./commands/rl.ts")).rlCommand,
  },
  {
    name: "init",
    summary: "make a new random model with a byte-level tokenizer",
    load: async () => (await import("./commands/init.ts")).initCommand,
  },
  {
    name: "convert",
    summary: "give a checkpoint a window; its weights stay byte-equal",
    load: async () => (await import("./commands/convert.ts")).convertCommand,
  },
  {
    name: "generate",
    summary: "new tokens after a prompt",
    load: async () => (await import("./commands/generate.ts")).generateCommand,
  },
  {
    name: "logprobs",
    summary: "the log-prob of every token of a text under a model",
    load: async () => (await import("./commands/logprobs.ts")).logprobsCommand,
  },
  {
    name: "grade",
    summary: "judge answers against gold answers, row by row",
    load: async () => (await import("./commands/grade.ts")).gradeCommand,
  },
  {
    name: "eval",
    summary: "accuracy on a file of problems, with intervals",
    load: async () => (await import("./commands/eval.ts")).evalCommand,
  },
  {
    name: "compare",
    summary: "two models on the same problems: paired difference and sign test",
    load: async () => (await import("./commands/compare.ts")).compareCommand,
  },
  {
    name: "analyze",
    summary: "what a window costs each token of data or rollouts: the mismatch",
    load: async () => (await import("./commands/analyze.ts")).analyzeCommand,
  },
  {
    name: "report",
    summary: "write a run's report: HTML, Markdown, CSV",
    load: async () => (await import("./commands/report.ts")).reportCommand,
  },
  {
    name: "export",
    summary: "a checkpoint with a serving certificate and a model card",
    load: async () => (await import("./commands/export.ts")).exportCommand,
  },
  {
    name: "probe",
    summary: "run an export's certificate against a folder or a server",
    load: async () => (await import("./commands/probe.ts")).probeCommand,
  },
  {
    name: "serve",
    summary: "OpenAI-style completions of a model on loopback",
    load: async () => (await import("./commands/serve.ts")).serveCommand,
  },
  {
    name: "serve-reward",
    summary: "the verifier over HTTP on loopback, for other trainers",
    load: async () => (await import("./commands/serve-reward.ts")).serveRewardCommand,
  },
  {
    name: "dashboard",
    summary: "a live local page over run folders",
    load: async () => (await import("./commands/dashboard.ts")).dashboardCommand,
  },
  {
    name: "doctor",
    summary: "what was found on this machine, and what a recipe would need",
    load: async () => (await import("./commands/doctor.ts")).doctorCommand,
  },
  {
    name: "bench",
    summary: "speed, memory and scaling on this machine",
    load: async () => (await import("./commands/bench.ts")).benchCommand,
  },
];
