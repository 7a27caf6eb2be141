// What the first replica tells the others, and what they answer.

import type { ErrorCode, ErrorParts } from "../base/errors.ts";
import type { SampleRequest } from "../generate/sampler.ts";
import type { ShapedBatch, TrainBatch } from "../train/step.ts";
import type { UpdateSettings } from "./member.ts";

export type Order =
  | { readonly kind: "accumulate"; readonly batches: readonly TrainBatch[] }
  | { readonly kind: "score"; readonly batches: readonly ShapedBatch[] }
  | { readonly kind: "sample"; readonly requests: readonly SampleRequest[]; readonly endIds: readonly number[] }
  | { readonly kind: "update"; readonly step: number; readonly settings: UpdateSettings }
  | { readonly kind: "pull" }
  | { readonly kind: "end" };

export type Command = Order & { readonly id: number };

export type Reply = { readonly id: number } & (
  | { readonly kind: "done"; readonly value: unknown }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode | null;
      readonly parts: ErrorParts | null;
      readonly text: string;
    }
);
