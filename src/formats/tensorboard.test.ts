// Laws of TensorBoard's files: the published checksum, and the bytes that TensorBoard's own writer makes.

import { describe, expect, it } from "vitest";
import { crc32c, tensorboardFile } from "./tensorboard.ts";

/**
 * Made by the record writer and the event messages of the Python package tensorboard (version below) from the same three records:
 * the version at 1767603600, then the two events of the test.
 */
const GOLDEN_VERSION = "2.21.0";
const GOLDEN = [
  "1800000000000000a37f4b220900000064df56da411a0d627261696e2e4576656e743a32a6dcfcc72300000000000000b09f",
  "77430900001064df56da4110012a160a140a0d726c2f7265776172644d65616e150000d83ee79d62242300000000000000b0",
  "9f77430900006064df56da4110e0a7122a140a120a0b7366742f6772c3b6c39f651595bfd6b3dac1dcfa",
].join("");

describe("crc32c", () => {
  it.each([
    // RFC 3720, appendix B.4
    ["nine digits", Buffer.from("123456789"), 0xe3069283],
    ["32 zero bytes", Buffer.alloc(32), 0x8a9136aa],
    ["32 bytes of ones", Buffer.alloc(32, 0xff), 0x62a8ab43],
  ])("gives the published value for %s", (_, data, expected) => {
    expect(crc32c(data)).toBe(expected);
  });
});

describe("tensorboardFile", () => {
  it(`writes the very bytes that tensorboard ${GOLDEN_VERSION} writes`, () => {
    const events = [
      { tag: "rl/rewardMean", step: 1, value: 0.421875, wallTimeSeconds: 1767603600.25 },
      { tag: "sft/größe", step: 300_000, value: -1e-7, wallTimeSeconds: 1767603601.5 },
    ];
    expect(tensorboardFile(events, 1767603600).toString("hex")).toBe(GOLDEN);
  });
});
