// The devices a recipe may name, and the refusal of one that cannot be used.

import { SwarrError } from "../base/errors.ts";

/** What a recipe may ask for; `auto` is the usable device whose matrix product is fastest. */
export const DEVICES = ["auto", "cpu", "webgpu", "cuda"] as const;
export type DeviceChoice = (typeof DEVICES)[number];

/** Where an engine runs. */
export type Device = Exclude<DeviceChoice, "auto">;

export function deviceMissing(device: Device, reason: string, cause?: unknown): SwarrError {
  const parts = {
    what: `device is ${device}, which cannot be used here: ${reason}.`,
    expected: "a device that `swarr doctor` lists as usable.",
    fix: "Make the device usable, or set device: cpu.",
  };
  return new SwarrError("DEVICE_MISSING", parts, { cause });
}
