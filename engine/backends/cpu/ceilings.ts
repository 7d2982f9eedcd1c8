/** What this machine reaches at most from WebAssembly, measured: the yardsticks of profiles and benchmarks. */
import type { Pointer } from "../../kernel.ts";
import type { Ceilings } from "../../profile.ts";
import { f32x4, i32, v128 } from "./assembler.ts";
import type { Value } from "./assembler.ts";
import { PACKED_A, TILE_COLUMNS, TILE_ROWS, tileFunction } from "./gemm/tile.ts";
import { f32Bits } from "./machine.ts";
import type { Machine } from "./machine.ts";

/** Something to time, and what it takes. */
export interface Yardstick {
  readonly run: () => void;
  /** Floating-point operations, or bytes read and written. */
  readonly amount: number;
  /** Its memory, which is the caller's to free. */
  readonly addresses: readonly Pointer[];
}

function blocks(machine: Machine, lengths: readonly number[]): Pointer[] {
  const addresses = lengths.map((length) => machine.heap.alloc(4 * length));
  // Written once: pages that were not are read from nowhere, and numbers that are no normal ones may be slow.
  addresses.forEach((address, i) => machine.f32.fill(0.5, address / 4, address / 4 + (lengths[i] ?? 0)));
  return addresses;
}

/**
 * The loop at the heart of all matrix products and convolutions, on operands that stay in the first-level cache: each
 * task computes 64 tiles of 256 steps from the same 24 KiB.
 */
export function microKernel(machine: Machine): Yardstick {
  const [steps, tiles, tasks] = [256, 64, 32 * machine.threads];
  const program = machine.program("ceiling: micro-kernel", (module) => {
    const tile = tileFunction(module, PACKED_A);
    module.task((f, args, index) => {
      const [a, b] = [i32.load(args, 0), i32.load(args, 4)];
      const c = f.let(i32.add(i32.load(args, 8), i32.mul(index, 4 * TILE_ROWS * TILE_COLUMNS)));
      f.forRange(0, tiles, 1, () => {
        f.call(tile, a, 1, 0, steps, b, c, 4 * TILE_COLUMNS, TILE_ROWS, TILE_COLUMNS, 0);
      });
    });
  });
  const lengths = [TILE_ROWS * steps, TILE_COLUMNS * steps, TILE_ROWS * TILE_COLUMNS * tasks];
  const addresses = blocks(machine, lengths);
  const run = () => { machine.parallel(program, tasks, addresses); }; // prettier-ignore
  return { run, addresses, amount: 2 * TILE_ROWS * TILE_COLUMNS * steps * tiles * tasks };
}

/** Independent sums of {@link registers}: enough to hide a multiply-add's latency, few enough for 16 registers. */
const CHAINS = 12;

/** Multiply-adds on registers alone: what the arithmetic units do when nothing must be loaded. */
export function registers(machine: Machine): Yardstick {
  const [steps, tasks] = [1 << 14, 32 * machine.threads];
  const program = machine.program("ceiling: registers", (module) => {
    module.task((f, args, index) => {
      const factor = f.let(v128.load32Splat(args, 4));
      const sums = Array.from({ length: CHAINS }, () => f.let(v128.load32Splat(args, 4)));
      f.forRange(0, steps, 1, () => {
        for (const sum of sums) f.set(sum, f.madd(sum, factor, factor));
      });
      const total = sums.reduce<Value<"v128">>((a, b) => f32x4.add(a, b), f32x4.const(0));
      f.store(i32.add(i32.load(args, 0), i32.mul(index, 16)), total);
    });
  });
  const addresses = blocks(machine, [4 * tasks]);
  const run = () => { machine.parallel(program, tasks, [...addresses, f32Bits(0.5)]); }; // prettier-ignore
  return { run, addresses, amount: 8 * CHAINS * steps * tasks };
}

/** Words of each array of {@link memoryCopy}: 32 MiB, more than any cache that two cores share. */
const COPIED = 1 << 23;

/** y = x over arrays that no cache holds, in tasks of 64 KiB. */
export function memoryCopy(machine: Machine): Yardstick {
  const bytes = 1 << 16;
  const program = machine.program("ceiling: memory copy", (module) => {
    module.task((f, args, index) => {
      const offset = f.let(i32.mul(index, bytes));
      const [x, y] = [0, 4].map((word) => f.let(i32.add(i32.load(args, word), offset)));
      if (!x || !y) return;
      f.forRange(0, bytes, 16, (at) => {
        f.store(i32.add(y, at), v128.load(i32.add(x, at)));
      });
    });
  });
  const addresses = blocks(machine, [COPIED, COPIED]);
  const run = () => { machine.parallel(program, (4 * COPIED) / bytes, addresses); }; // prettier-ignore
  return { run, addresses, amount: 8 * COPIED };
}

/** Runs of each yardstick; the first ones, in code that is not optimised yet, are not the median. */
const RUNS = 15;

/** Medians of a tenth of a second of work. */
export function measureCeilings(machine: Machine): Ceilings {
  const rateOf = (make: (machine: Machine) => Yardstick): number => {
    const yardstick = make(machine);
    const rate = median(yardstick);
    for (const address of yardstick.addresses) machine.heap.free(address);
    return rate;
  };
  return { operations: rateOf(microKernel), bytes: rateOf(memoryCopy) };
}

function median({ run, amount }: Yardstick): number {
  const seconds = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    run();
    return (performance.now() - start) / 1000;
  });
  return amount / (seconds.sort((a, b) => a - b)[RUNS >> 1] ?? NaN);
}
