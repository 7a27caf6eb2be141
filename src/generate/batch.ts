// The rows of a decoding batch: which request each serves and how far it has come.

import { randomStream, type RandomStream } from "../base/seeds.ts";
import type { SampledResponse, SampleRequest } from "./sampler.ts";

export interface Row {
  readonly index: number;
  readonly request: SampleRequest;
  readonly stream: RandomStream;
  /** position of the token that the next step reads */
  position: number;
  nextId: number;
  count: number;
  /** as long as it takes for what there is; `count` entries are used */
  ids: Int32Array;
  logProbs: Float32Array;
}

/** A request may ask for far more tokens than its response takes: room is made as they come. */
const FIRST_TOKENS = 1024;

function lengthen(row: Row): void {
  const { ids, logProbs } = row;
  row.ids = new Int32Array(2 * ids.length);
  row.ids.set(ids);
  row.logProbs = new Float32Array(2 * logProbs.length);
  row.logProbs.set(logProbs);
}

/** Opens a row at the last prompt token, which the first decoding step reads. */
export function openRow(request: SampleRequest, index: number): Row {
  const last = request.promptIds.length - 1;
  return {
    index,
    request,
    stream: randomStream({ root: request.seed, purpose: "sample" }),
    position: last,
    nextId: request.promptIds[last]!,
    count: 0,
    ids: new Int32Array(Math.min(request.maxNewTokens, FIRST_TOKENS)),
    logProbs: new Float32Array(Math.min(request.maxNewTokens, FIRST_TOKENS)),
  };
}

/** A uniform with 23 bits: exact in float32, and at most 1 - 2^-23, so that no product with it rounds up to its bound. */
export function drawUniform(stream: RandomStream): number {
  return Math.floor(stream.uniform() * 2 ** 23) / 2 ** 23;
}

/** Takes the drawn token, which ends the response when `last` says so. @returns the response when it is whole, else null */
export function appendToken(row: Row, id: number, logProb: number, last: boolean): SampledResponse | null {
  if (row.count === row.ids.length) lengthen(row);
  row.ids[row.count] = id;
  row.logProbs[row.count] = logProb;
  row.count += 1;
  row.position += 1;
  row.nextId = id;
  if (!last && row.count < row.request.maxNewTokens) return null;
  return {
    ids: row.ids.slice(0, row.count),
    logProbs: row.logProbs.slice(0, row.count),
    finishReason: last ? "stop" : "length",
  };
}
