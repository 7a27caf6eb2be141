// The number formats a weights file may hold: their names, sizes, and which of them swarr reads and writes.

/** Bytes of one element by the name safetensors gives the type. */
export const STORED_TYPE_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  C64: 8,
} as const;

export type StoredType = keyof typeof STORED_TYPE_BYTES;

/** The types weights may be stored in; all are widened to float32 in memory. */
export const WEIGHT_TYPES = ["F32", "F16", "BF16"] as const;
export type WeightType = (typeof WEIGHT_TYPES)[number];

export function isStoredType(name: string): name is StoredType {
  return Object.hasOwn(STORED_TYPE_BYTES, name);
}

export function isWeightType(name: string): name is WeightType {
  return (WEIGHT_TYPES as readonly string[]).includes(name);
}

/** @returns PyTorch's spelling of the weight type, as `config.json` has it */
export function spellingOf(type: WeightType): string {
  return { F32: "float32", F16: "float16", BF16: "bfloat16" }[type];
}
