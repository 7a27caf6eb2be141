// Sequences → rows of a fixed length: several to a row, never attending to each other, and the way back.

import { SwarrError } from "../base/errors.ts";
import { invariant } from "../base/invariant.ts";

/** One prompt with its response. */
export interface PackSequence {
  /** prompt, then response, the end token included */
  readonly ids: ArrayLike<number>;
  /** tokens of the prompt; at least 1, so that every response token is predicted from something */
  readonly promptLength: number;
  /** for each response token, 1 where it is trained on and 0 where not; all are when absent */
  readonly trained?: ArrayLike<number>;
  /** numbers that travel with the response tokens: one each, or one for all */
  readonly fields?: Readonly<Record<string, ArrayLike<number> | number>>;
}

export interface PackShape {
  /** T, tokens of a row */
  readonly rowTokens: number;
  /** R, rows of a microbatch; the last one is filled up with empty rows */
  readonly rowsPerMicrobatch: number;
  readonly padId: number;
}

/** R rows of T tokens, row-major; every array has R·T entries. */
export interface Microbatch {
  readonly rows: number;
  readonly rowTokens: number;
  /** the pad id where there is no token */
  readonly ids: Int32Array;
  /** of the token in its sequence, from 0; 0 where there is none */
  readonly positions: Int32Array;
  /** which segment of its row, from 0; -1 where there is no token */
  readonly segments: Int32Array;
  /**
   * Where in the row the token's segment begins: a query sees no key before it. A place without a token is its own
   * segment, so that its softmax has one key.
   */
  readonly segmentStart: Int32Array;
  /** the next token of the same segment; 0 where there is none */
  readonly targets: Int32Array;
  /** 1 where the target is a response token that is trained on, else 0 */
  readonly weight: Float32Array;
  /** each field at the place that predicts its token; 0 elsewhere */
  readonly fields: Readonly<Record<string, Float32Array>>;
  /** which sequence the token is of; -1 where there is none */
  readonly sequenceOf: Int32Array;
}

export interface PackedSequences {
  readonly microbatches: readonly Microbatch[];
  readonly sequences: readonly PackSequence[];
  /** tokens of all sequences */
  readonly tokenCount: number;
  /** response tokens that are trained on: the sum of all weights */
  readonly targetCount: number;
  /** tokens / places, empty rows included; 0 without sequences */
  readonly utilisation: number;
}

/**
 * Packs by first-fit decreasing: longest first, each into the first row with room; equal lengths keep their order.
 *
 * @throws `BAD_DATA` naming the first sequence that is longer than a row, or has no prompt or no response
 */
export function packSequences(sequences: readonly PackSequence[], shape: PackShape): PackedSequences {
  for (const [index, sequence] of sequences.entries()) requirePackable(sequence, index, shape.rowTokens);
  const rows = firstFitDecreasing(
    sequences.map(({ ids }) => ids.length),
    shape.rowTokens,
  );
  const microbatches: Microbatch[] = [];
  for (let first = 0; first < rows.length; first += shape.rowsPerMicrobatch) {
    microbatches.push(fillMicrobatch(sequences, rows.slice(first, first + shape.rowsPerMicrobatch), shape));
  }
  const tokenCount = sequences.reduce((total, { ids }) => total + ids.length, 0);
  const places = microbatches.length * shape.rowsPerMicrobatch * shape.rowTokens;
  return {
    microbatches,
    sequences,
    tokenCount,
    targetCount: microbatches.reduce((total, { weight }) => total + weight.reduce((sum, one) => sum + one, 0), 0),
    utilisation: places === 0 ? 0 : tokenCount / places,
  };
}

/**
 * Takes per-place results, one array of R·T a microbatch, back to the sequences.
 *
 * @returns for each sequence one number per response token, read at the place that predicts it; 0 where it is not trained on
 */
export function unpackResponses(
  packed: PackedSequences,
  results: readonly ArrayLike<number>[],
): readonly Float32Array[] {
  const { microbatches, sequences } = packed;
  invariant(
    results.length === microbatches.length,
    `${microbatches.length} microbatches have ${results.length} results`,
  );
  const unpacked = sequences.map(({ ids, promptLength }) => new Float32Array(ids.length - promptLength));
  for (const [index, { weight, sequenceOf, positions }] of microbatches.entries()) {
    const values = results[index]!;
    invariant(values.length === weight.length, `${weight.length} places have ${values.length} results`);
    for (let at = 0; at < weight.length; at++) {
      if (weight[at] === 0) continue;
      const sequence = sequenceOf[at]!;
      unpacked[sequence]![positions[at]! + 1 - sequences[sequence]!.promptLength] = values[at]!;
    }
  }
  return unpacked;
}

/** How many rows of `rowTokens` hold sequences of these lengths, each at most `rowTokens`, when packed as above. */
export function rowsNeeded(lengths: readonly number[], rowTokens: number): number {
  return firstFitDecreasing(lengths, rowTokens).length;
}

/** @returns for each row the sequences in it, in the order they were placed */
function firstFitDecreasing(lengths: readonly number[], rowTokens: number): readonly (readonly number[])[] {
  const order = lengths.map((_, index) => index).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const rows: number[][] = [];
  const room: number[] = [];
  for (const index of order) {
    const length = lengths[index]!;
    let row = room.findIndex((free) => free >= length);
    if (row < 0) {
      row = rows.push([]) - 1;
      room.push(rowTokens);
    }
    rows[row]!.push(index);
    room[row]! -= length;
  }
  return rows;
}

function fillMicrobatch(
  sequences: readonly PackSequence[],
  rows: readonly (readonly number[])[],
  shape: PackShape,
): Microbatch {
  const { rowTokens, rowsPerMicrobatch } = shape;
  const size = rowTokens * rowsPerMicrobatch;
  const fieldNames = Object.keys(sequences[rows[0]![0]!]!.fields ?? {});
  const batch: Microbatch = {
    rows: rowsPerMicrobatch,
    rowTokens,
    ids: new Int32Array(size).fill(shape.padId),
    positions: new Int32Array(size),
    segments: new Int32Array(size).fill(-1),
    segmentStart: Int32Array.from({ length: size }, (_, at) => at % rowTokens),
    targets: new Int32Array(size),
    weight: new Float32Array(size),
    fields: Object.fromEntries(fieldNames.map((name) => [name, new Float32Array(size)])),
    sequenceOf: new Int32Array(size).fill(-1),
  };
  for (const [row, members] of rows.entries()) {
    let start = 0;
    for (const [segment, index] of members.entries()) {
      placeSequence(batch, sequences[index]!, { row, start, segment, index });
      start += sequences[index]!.ids.length;
    }
  }
  return batch;
}

interface Place {
  readonly row: number;
  /** row-local */
  readonly start: number;
  readonly segment: number;
  readonly index: number;
}

function placeSequence(batch: Microbatch, sequence: PackSequence, place: Place): void {
  const { ids, promptLength, trained, fields = {} } = sequence;
  const base = place.row * batch.rowTokens + place.start;
  for (let i = 0; i < ids.length; i++) {
    batch.ids[base + i] = ids[i]!;
    batch.positions[base + i] = i;
    batch.segments[base + i] = place.segment;
    batch.segmentStart[base + i] = place.start;
    batch.sequenceOf[base + i] = place.index;
    if (i + 1 === ids.length) continue;
    batch.targets[base + i] = ids[i + 1]!;
    if (i + 1 >= promptLength) batch.weight[base + i] = trained === undefined ? 1 : trained[i + 1 - promptLength]!;
  }
  const count = ids.length - promptLength;
  invariant(
    trained === undefined || trained.length === count,
    `${count} response tokens have ${trained?.length ?? 0} marks of what is trained on`,
  );
  invariant(
    Object.keys(fields).length === Object.keys(batch.fields).length,
    `sequence ${place.index} has ${Object.keys(fields).length} fields, the others ${Object.keys(batch.fields).length}`,
  );
  for (const [name, values] of Object.entries(fields)) {
    const target = batch.fields[name];
    invariant(target !== undefined, `sequence ${place.index} has the field "${name}" that the others lack`);
    if (typeof values !== "number") {
      invariant(values.length === count, `${count} response tokens have ${values.length} numbers "${name}"`);
    }
    for (let k = 0; k < count; k++) {
      target[base + promptLength - 1 + k] = typeof values === "number" ? values : values[k]!;
    }
  }
}

function requirePackable({ ids, promptLength }: PackSequence, index: number, rowTokens: number): void {
  if (ids.length > rowTokens) {
    throw new SwarrError("BAD_DATA", {
      what: `Sequence ${index} has ${ids.length} tokens (prompt ${promptLength}, response ${ids.length - promptLength}); a row holds ${rowTokens}.`,
      expected: "no sequence longer than a row, so that nothing is cut off unseen.",
      fix: `Use rows of at least ${ids.length} tokens, or leave the sequence out.`,
    });
  }
  if (promptLength >= 1 && promptLength < ids.length) return;
  throw new SwarrError("BAD_DATA", {
    what: `Sequence ${index} has ${ids.length} tokens, ${promptLength} of them prompt.`,
    expected: "at least one prompt token and one response token.",
    fix: "Leave the row out, or give it a prompt and a response.",
  });
}
