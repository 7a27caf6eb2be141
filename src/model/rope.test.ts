import fs from "node:fs";
import path from "node:path";
import { describe, it } from "vitest";
import { expectClose } from "../../test/support/expect-close.ts";
import { tolerances } from "../../test/support/tolerances.ts";
import { importConfig } from "../checkpoint/hf-config.ts";
import type { JsonObject } from "../base/json.ts";
import { ropeTables, rotaryFrequencies } from "./rope.ts";

interface RopeGolden {
  readonly positions: readonly number[];
  readonly kinds: {
    readonly [name: string]: {
      readonly headWidth: number;
      readonly rope_parameters: JsonObject;
      readonly inverse: readonly number[];
      readonly cos: readonly (readonly number[])[];
      readonly sin: readonly (readonly number[])[];
    };
  };
}

const golden = JSON.parse(
  fs.readFileSync(path.join(import.meta.dirname, "../../test/golden/rope.json"), "utf8"),
) as RopeGolden;

describe("ropeTables", () => {
  it.each(Object.keys(golden.kinds))("turns %s as transformers does, near and at position 31999", (name) => {
    const kind = golden.kinds[name]!;
    const config = importConfig(
      {
        model_type: "llama",
        vocab_size: 8,
        hidden_size: 2 * kind.headWidth,
        intermediate_size: 8,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        head_dim: kind.headWidth,
        max_position_embeddings: 131072,
        rope_parameters: kind.rope_parameters,
      },
      name,
    );
    const half = kind.headWidth / 2;
    expectClose(rotaryFrequencies(config).inverse, kind.inverse, tolerances.rope32, `${name} frequencies`);
    const { cos, sin } = ropeTables(config, 32000);
    for (const [row, position] of golden.positions.entries()) {
      const label = `${name} at ${position}`;
      // The angle itself carries the frequency's last bit times the position.
      const tolerance = { absolute: 1e-6 + 2e-7 * position, relative: 0 };
      expectClose(cos.subarray(position * half, (position + 1) * half), kind.cos[row]!, tolerance, `cos ${label}`);
      expectClose(sin.subarray(position * half, (position + 1) * half), kind.sin[row]!, tolerance, `sin ${label}`);
    }
  });

  it("starts with no turn at all, and turns the first channel by one radian a position", () => {
    const { cos, sin } = ropeTables({ headWidth: 4, ropeTheta: 100, ropeScaling: { kind: "default" } }, 2);
    // Channel 0 turns by 1, channel 1 by 100^(-2/4) = 0.1.
    expectClose(cos, [1, 1, Math.cos(1), Math.cos(0.1)], { absolute: 1e-7, relative: 0 }, "cos");
    expectClose(sin, [0, 0, Math.sin(1), Math.sin(0.1)], { absolute: 1e-7, relative: 0 }, "sin");
  });
});
