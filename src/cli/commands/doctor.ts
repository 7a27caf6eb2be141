// `swarr doctor`: what this machine has, and what a recipe would need of it.

import type { Command } from "commander";
import type { KernelFinding } from "../../engine/cpu-kernels.ts";
import type { ProviderFinding } from "../../engine/providers.ts";
import type { RecipeNeeds } from "../../recipe/needs.ts";
import type { Recipe } from "../../recipe/recipe.ts";
import type { CommandModule } from "../command.ts";
import { collect } from "../flags.ts";
import { JSON_FLAG, printResult } from "../output.ts";

interface DoctorFlags {
  readonly set: readonly string[];
  readonly json?: boolean;
}

export const doctorCommand: CommandModule = {
  name: "doctor",
  summary: "what was found on this machine, and what a recipe would need",
  example: "swarr doctor recipes/miniature.yaml",
  register(program: Command): void {
    program
      .command("doctor [recipe]")
      .description(
        "Lists the engine, the kernels that train on the CPU, every execution provider with the reason it can or cannot be used (each is tried in a process\n" +
          "of its own and held against the CPU), cores and memory. With a recipe: its parameters, memory, disk, the FLOPs of\n" +
          "every stage and a rough time from a quick matrix product. Run it on a quiet machine.",
      )
      .option("--set <key=value>", "replace a setting of the recipe; may repeat", collect, [])
      .option(...JSON_FLAG)
      .action(doctor);
  },
};

interface RecipeFindings extends RecipeNeeds {
  readonly recipe: string;
  readonly threads: number;
  /** what the recipe's device comes to here */
  readonly device: string;
  readonly fitsMemory: boolean;
}

interface Findings {
  readonly swarr: string;
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  readonly engine: { readonly name: "onnxruntime-node"; readonly version: string };
  /** what computes on the CPU where there is one engine a core: in training, RL and a run's evaluations */
  readonly cpuKernels: KernelFinding;
  readonly providers: readonly ProviderFinding[];
  readonly recipe: RecipeFindings | null;
}

async function doctor(file: string | undefined, flags: DoctorFlags): Promise<void> {
  const os = await import("node:os");
  const { cpuKernels } = await import("../../engine/cpu-kernels.ts");
  const { engineVersion, findProviders } = await import("../../engine/providers.ts");
  const { packageVersion } = await import("../version.ts");
  // The recipe is read first: what is wrong with it is said before anything is measured.
  const recipe = file === undefined ? null : (await import("../../recipe/read.ts")).readRecipe(file, flags.set);
  const kernels = await cpuKernels();
  const providers = await findProviders();
  const findings: Findings = {
    swarr: packageVersion(),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    freeMemoryBytes: os.freemem(),
    engine: { name: "onnxruntime-node", version: engineVersion() },
    cpuKernels: kernels,
    providers,
    recipe: recipe === null ? null : await recipeFindings(file!, recipe, providers),
  };
  printResult(flags.json, findings, () => text(findings));
}

/** @throws `DEVICE_MISSING` when the recipe asks for a device that cannot be used here */
async function recipeFindings(
  file: string,
  recipe: Recipe,
  providers: readonly ProviderFinding[],
): Promise<RecipeFindings> {
  const os = await import("node:os");
  const { settle } = await import("../../engine/providers.ts");
  const { recipeNeeds } = await import("../../recipe/needs.ts");
  const device = settle(recipe.device, providers);
  const gflops = providers.find(({ name }) => name === device)!.gflops!;
  const threads = recipe.threads ?? os.availableParallelism();
  const needs = await recipeNeeds(recipe, { threads, gflops });
  return { recipe: file, threads, device, ...needs, fitsMemory: needs.memoryBytes <= os.totalmem() };
}

function text(findings: Findings): string {
  const { swarr, node, platform, cpu, cores, memoryBytes, freeMemoryBytes, engine, cpuKernels, providers, recipe } =
    findings;
  return [
    `swarr ${swarr}, Node ${node}, ${engine.name} ${engine.version}, ${platform}`,
    `${cpu}, ${cores} cores, ${amount(memoryBytes)} of memory, ${amount(freeMemoryBytes)} free`,
    `kernels of runs on the CPU: ${cpuKernels.kernels} (${cpuKernels.reason})`,
    "",
    "device   usable  why",
    ...providers.map(({ name, usable, reason, gflops }) => {
      const speed = gflops === null ? "" : `; ${gflops.toPrecision(3)} GFLOP/s in a 1024-wide product`;
      return `${name.padEnd(8)} ${usable ? "yes" : "no "}     ${reason}${speed}`;
    }),
    ...(recipe === null ? [] : ["", ...recipeText(recipe)]),
  ].join("\n");
}

function recipeText({ recipe, device, threads, ...needs }: RecipeFindings): readonly string[] {
  const { example, prompt, response } = needs.meanTokens;
  const tokens = (count: number | null): string => (count === null ? "none" : count.toFixed(0));
  return [
    `${recipe} on ${device} with ${threads} threads`,
    `parameters  ${needs.parameters.toLocaleString("en-US")}`,
    `memory      about ${amount(needs.memoryBytes)}${needs.fitsMemory ? "" : ", MORE THAN THIS MACHINE HAS"}`,
    `disk        about ${amount(needs.diskBytes)}`,
    `mean tokens example ${tokens(example)}, prompt ${tokens(prompt)}, response taken as ${tokens(response)}`,
    "",
    "stage          training  sampling  time, about",
    ...needs.stages.map(
      ({ arm, stage, trainingFlops, samplingFlops, seconds }) =>
        `${`${arm} ${stage}`.padEnd(14)} ${tera(trainingFlops)}  ${tera(samplingFlops)}  ${duration(seconds)}`,
    ),
    `${"in all".padEnd(34)}  ${duration(needs.seconds)}`,
  ];
}

function amount(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

function tera(flops: number): string {
  return `${(flops / 1e12).toFixed(2)} TF`.padStart(8);
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
