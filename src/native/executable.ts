// Memory from the operating system: code that may run, and blocks that machine code and JavaScript both see.

import koffi from "koffi";
import { invariant } from "../base/invariant.ts";

const READ = 1;
const WRITE = 2;
const EXECUTE = 4;
const PRIVATE_ANONYMOUS = 0x22;
const HUGE_PAGES = 14;

interface Libc {
  readonly mmap: (
    at: number,
    bytes: number,
    protection: number,
    flags: number,
    file: number,
    offset: number,
  ) => bigint | number;
  readonly mprotect: (at: bigint, bytes: number, protection: number) => number;
  readonly munmap: (at: bigint, bytes: number) => number;
  readonly madvise: (at: bigint, bytes: number, advice: number) => number;
  readonly syscall: (number: number, first: number, second: number) => number;
}

let libc: Libc | undefined;

function systemCalls(): Libc {
  if (libc !== undefined) return libc;
  const own = koffi.load(null);
  libc = {
    mmap: own.func("uintptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)") as Libc["mmap"],
    mprotect: own.func("int mprotect(uintptr_t, size_t, int)") as Libc["mprotect"],
    munmap: own.func("int munmap(uintptr_t, size_t)") as Libc["munmap"],
    madvise: own.func("int madvise(uintptr_t, size_t, int)") as Libc["madvise"],
    syscall: own.func("long syscall(long, long, long)") as Libc["syscall"],
  };
  return libc;
}

/** arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA), as Linux documents it under "Using XSTATE features in user space applications". */
const [ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA] = [158, 0x1023, 18];

/** Whether the system lets this process use the tile registers of AMX, for which every process has to ask once; the processor has them. */
export function mayUseTiles(): boolean {
  return systemCalls().syscall(ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA) === 0;
}

/** A block outside JavaScript's heap, at a fixed address, zeroed, aligned to a page. */
export class NativeBlock {
  readonly address: bigint;
  readonly bytes: number;
  #held = true;

  constructor(bytes: number) {
    const { mmap, madvise } = systemCalls();
    this.bytes = Math.ceil(bytes / 4096) * 4096;
    this.address = BigInt(mmap(0, this.bytes, READ | WRITE, PRIVATE_ANONYMOUS, -1, 0));
    invariant(this.address > 0n && this.address < 2n ** 48n, `the system gives ${this.bytes} bytes of memory`);
    if (bytes >= 2 ** 21) madvise(this.address, this.bytes, HUGE_PAGES);
  }

  /** The block as seen from JavaScript; not to be used after `release`. */
  view(): ArrayBuffer {
    invariant(this.#held, "the block is still held");
    return koffi.view(this.address, this.bytes);
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    systemCalls().munmap(this.address, this.bytes);
  }
}

/** Where the numbers of a typed array lie; they stay there as long as the array lives. */
export function addressOf(data: ArrayBufferView): bigint {
  return koffi.address(data);
}

const CALL = koffi.proto("void (uintptr_t)");

/** Code that can be called; writable and executable are never the same page at the same time. */
export class MachineCode {
  readonly #block: NativeBlock;

  constructor(code: Uint8Array) {
    this.#block = new NativeBlock(code.length);
    new Uint8Array(this.#block.view()).set(code);
    const refused = systemCalls().mprotect(this.#block.address, this.#block.bytes, READ | EXECUTE);
    if (refused !== 0) {
      this.#block.release();
      throw new Error("the system does not let this process run code that it wrote");
    }
  }

  /** Calls the code at its first byte with one argument, by the C calling convention. */
  call(argument: bigint): void {
    koffi.call(this.#block.address, CALL, argument);
  }

  release(): void {
    this.#block.release();
  }
}

/** Code that only returns, to try whether code can be run at all. */
export const RETURN = Uint8Array.of(0xc3);
