// TensorBoard's event files: scalar events as protobuf messages, framed as TFRecords with their checksums.

/** One point of a curve. */
export interface ScalarEvent {
  /** such as `rl/rewardMean`; TensorBoard groups by what stands before the slash */
  readonly tag: string;
  readonly step: number;
  readonly value: number;
  /** since 1970 */
  readonly wallTimeSeconds: number;
}

/**
 * The bytes of one event file; TensorBoard takes any file whose name contains `tfevents`.
 *
 * @param startSeconds  wall time of the version record that comes first
 * @source TFRecord: length (u64), its masked CRC-32C, data, its masked CRC-32C. Event: wall_time 1, step 2, file_version 3,
 *   summary 5; Summary: value 1; Value: tag 1, simple_value 2
 */
export function tensorboardFile(events: readonly ScalarEvent[], startSeconds: number): Buffer {
  const version = Buffer.concat([doubleField(1, startSeconds), bytesField(3, Buffer.from("brain.Event:2"))]);
  return Buffer.concat([record(version), ...events.map((event) => record(scalarMessage(event)))]);
}

function scalarMessage({ tag, step, value, wallTimeSeconds }: ScalarEvent): Buffer {
  const point = Buffer.concat([bytesField(1, Buffer.from(tag)), floatField(2, value)]);
  return Buffer.concat([doubleField(1, wallTimeSeconds), varintField(2, step), bytesField(5, bytesField(1, point))]);
}

function record(data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, checksum(length), data, checksum(data)]);
}

/** The checksum as TFRecords hold it: rotated and offset, so that data which holds checksums checks out too. */
function checksum(data: Buffer): Buffer {
  const crc = crc32c(data);
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(masked);
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32 with Castagnoli's polynomial, reflected. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** The key of a protobuf field: number and wire type (0 varint, 1 eight bytes, 2 counted bytes, 5 four bytes). */
function key(field: number, wire: 0 | 1 | 2 | 5): Buffer {
  return varint((field << 3) | wire);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  // Division, not shifts: a step may pass 32 bits.
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

function varintField(field: number, value: number): Buffer {
  return Buffer.concat([key(field, 0), varint(value)]);
}

function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(field, 1), bytes]);
}

function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, 5), bytes]);
}

function bytesField(field: number, data: Buffer): Buffer {
  return Buffer.concat([key(field, 2), varint(data.length), data]);
}
