/** The weights of Winograd's convolution, G W G^T for each pair of channels (see `winograd.ts`). */
import { i32, v128 } from "../../../engine/backends/cpu/assembler.ts";
import type { ModuleBuilder } from "../../../engine/backends/cpu/assembler.ts";
import type { Panels } from "../../../engine/backends/cpu/gemm/pack.ts";
import { B_STEP_BYTES, TILE_COLUMNS } from "../../../engine/backends/cpu/gemm/tile.ts";
import type { Machine } from "../../../engine/backends/cpu/machine.ts";
import { runTasks, Words } from "../../../engine/backends/cpu/task.ts";
import type { ConvGeometry } from "../geometry.ts";
import { applyPairedRows, squareBytes, transformSquare } from "./transforms.cpu.ts";
import { transforms } from "./winograd.ts";
import type { OutputTile } from "./winograd.ts";

const words = new Words(["from", "fromPanelBytes", "to", "toPanelBytes", "stepsBytes", "scratch"]);

/** Multiplications and additions for each element of the transformed weights, about. */
const OPERATIONS = 8;

/**
 * Runs `use` on the transformed weights: from panels [3][3][inChannels][8], one for each 8 output channels, panels
 * [m + 2][m + 2][inChannels][8]. Throws OutOfMemoryError if they find no room.
 */
export function withTransformedWeights(
  machine: Machine,
  g: ConvGeometry,
  m: OutputTile,
  panels: Panels,
  use: (transformed: Panels) => void,
): void {
  const count = Math.ceil(g.outChannels / TILE_COLUMNS);
  const stepsBytes = g.inChannels * B_STEP_BYTES;
  const panelBytes = (m + 2) ** 2 * stepsBytes;
  const scratchBytes = squareBytes(transforms(m).weights);
  const to = machine.heap.alloc(count * (panelBytes + scratchBytes));
  try {
    const program = machine.program(`winograd weights ${m}`, (module) => {
      weightsTask(module, m);
    });
    const own = { from: panels.to, fromPanelBytes: panels.panelBytes, to, toPanelBytes: panelBytes };
    const args = words.list(Object.assign(own, { stepsBytes, scratch: to + count * panelBytes }));
    runTasks(machine, program, count, args, (OPERATIONS * count * panelBytes) / 4);
    use({ ...panels, to, panelBytes });
  } finally {
    machine.heap.free(to);
  }
}

/** A task transforms one panel. */
function weightsTask(module: ModuleBuilder, m: OutputTile): void {
  const { weights } = transforms(m);
  module.task((f, args, index) => {
    const word = words.reader(args);
    const from = f.let(i32.add(word("from"), i32.mul(index, word("fromPanelBytes"))));
    const to = f.let(i32.add(word("to"), i32.mul(index, word("toPanelBytes"))));
    const scratch = f.let(i32.add(word("scratch"), i32.mul(index, squareBytes(weights))));
    const stepsBytes = f.let(word("stepsBytes"));
    f.forRange(0, stepsBytes, 16, (at) => {
      const tap = f.let(i32.add(from, at));
      const out = f.let(i32.add(to, at));
      transformSquare(
        f,
        applyPairedRows,
        weights,
        (ky, kx) => v128.load(i32.add(tap, i32.mul(stepsBytes, 3 * ky + kx))),
        (_i, _j, element) => {
          f.store(out, element);
          f.increment(out, stepsBytes);
        },
        scratch,
      );
    });
  });
}
