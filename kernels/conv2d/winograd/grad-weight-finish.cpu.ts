/** The end of Winograd's gradient of the weights: dw = G^T M G of the chunks' sums M, for each pair of channels. */
import { f32x4, i32, v128 } from "../../../engine/backends/cpu/assembler.ts";
import type { ModuleBuilder } from "../../../engine/backends/cpu/assembler.ts";
import type { Machine } from "../../../engine/backends/cpu/machine.ts";
import { runTasks, storeLanes, Words } from "../../../engine/backends/cpu/task.ts";
import type { Pointer } from "../../../engine/kernel.ts";
import { applyPairedColumns, squareBytes, transformSquare } from "./transforms.cpu.ts";
import { transforms, transpose } from "./winograd.ts";
import type { OutputTile } from "./winograd.ts";

const words = new Words([
  "shares",
  "sums",
  "sumsBytes",
  "sumsRowBytes",
  "dw",
  "inChannels",
  "outChannels",
  "scratch",
]);

/** The sums [position][inChannels][outChannels] of `shares` chunks, `sumsBytes` apart. */
interface Sums {
  readonly shares: number;
  readonly sums: Pointer;
  readonly sumsBytes: number;
  readonly sumsRowBytes: number;
  readonly sumsPositionBytes: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly dw: Pointer;
}

/** Adds the sums, always in the same order, and writes dw. */
export function finishGradWeight(machine: Machine, m: OutputTile, sums: Sums): void {
  const { inChannels, sumsBytes, sumsPositionBytes, shares } = sums;
  const scratch = machine.heap.alloc(inChannels * squareBytes(transpose(transforms(m).weights)));
  try {
    const program = machine.program(`winograd gradWeight ${m} finish ${sumsPositionBytes}`, (module) => {
      finishTask(module, m, sumsPositionBytes);
    });
    const args = words.list(Object.assign({ scratch }, sums));
    runTasks(machine, program, inChannels, args, (sumsBytes / 4) * (shares + 4));
  } finally {
    machine.heap.free(scratch);
  }
}

/** A task takes one input channel. */
function finishTask(module: ModuleBuilder, m: OutputTile, positionBytes: number): void {
  const matrix = transpose(transforms(m).weights);
  module.task((f, args, channel) => {
    const word = words.reader(args);
    const rowBytes = f.let(i32.shl(word("outChannels"), 2));
    const tapBytes = f.let(i32.mul(word("inChannels"), rowBytes));
    const from = f.let(i32.add(word("sums"), i32.mul(channel, word("sumsRowBytes"))));
    const to = f.let(i32.add(word("dw"), i32.mul(channel, rowBytes)));
    const scratch = f.let(i32.add(word("scratch"), i32.mul(channel, squareBytes(matrix))));
    f.forRange(0, rowBytes, 16, (at) => {
      const [first, target] = [f.let(i32.add(from, at)), f.let(i32.add(to, at))];
      const left = f.let(i32.shrU(i32.sub(rowBytes, at), 2));
      const sum = f.local("v128");
      transformSquare(
        f,
        applyPairedColumns,
        matrix,
        (i, j) => {
          const term = f.let(first);
          f.set(sum, f32x4.const(0));
          f.forRange(0, word("shares"), 1, () => {
            f.set(sum, f32x4.add(sum, v128.load(term, ((m + 2) * i + j) * positionBytes)));
            f.increment(term, word("sumsBytes"));
          });
          return sum;
        },
        (ky, kx, element) => {
          storeLanes(f, f.let(i32.add(target, i32.mul(tapBytes, 3 * ky + kx))), f.let(element), left);
        },
        scratch,
      );
    });
  });
}
