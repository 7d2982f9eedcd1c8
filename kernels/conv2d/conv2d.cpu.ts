/**
 * The forward pass and the gradient of the input on the CPU: both pack the weights, and are convolutions then.
 */
import { pack } from "../../engine/backends/cpu/gemm/pack.ts";
import { B_STEP_BYTES, TILE_COLUMNS } from "../../engine/backends/cpu/gemm/tile.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import { convolve } from "./convolve.cpu.ts";
import type { ConvGeometry } from "./geometry.ts";

/** y = conv2d(x, w). The right operand is w as it is, [kernelHeight * kernelWidth * inChannels, outChannels]. */
export function forwardOnCpu(
  machine: Machine,
  g: ConvGeometry,
  [x = 0, w = 0]: readonly Pointer[],
  [y = 0]: readonly Pointer[],
): void {
  const steps = g.kernelHeight * g.kernelWidth * g.inChannels;
  const outPixelBytes = 4 * g.outChannels;
  withPanels(machine, steps, g.outChannels, (panels, panelBytes) => {
    pack(machine, {
      ...{ width: TILE_COLUMNS, interleave: false, from: w, lineBytes: outPixelBytes, steps },
      ...{ places: g.outChannels, to: panels, panelBytes },
    });
    convolve(machine, {
      ...g,
      ...{ from: x, panels, panelBytes, to: y },
      ...{ outPixelBytes, outRowBytes: g.outWidth * outPixelBytes },
      outImageBytes: g.outHeight * g.outWidth * outPixelBytes,
    });
  });
}

/**
 * dx, the gradient of the input. A row iy of dx meets those taps ky for which oy = (iy + padTop - ky) / strideHeight is
 * whole. So the rows fall into strideHeight phases, whose rows all meet the same taps:
 *
 *     iy = first + strideHeight * t  and  ky = phase + strideHeight * i   give   oy = t + shift - i
 *
 * and so do the columns. Within a phase, dx is a convolution of stride 1 of dy, with the phase's taps in reverse order
 * and the channels of w exchanged. Nothing is multiplied by the zeros that a transposed convolution would insert.
 */
export function gradInputOnCpu(
  machine: Machine,
  g: ConvGeometry,
  [dy = 0, w = 0]: readonly Pointer[],
  [dx = 0]: readonly Pointer[],
): void {
  const columnPhases = phasesOf(g.width, g.kernelWidth, g.strideWidth, g.padLeft);
  for (const rows of phasesOf(g.height, g.kernelHeight, g.strideHeight, g.padTop)) {
    for (const columns of columnPhases) gradInputPhase(machine, g, dy, w, dx, rows, columns);
  }
}

/** The rows (or columns) first, first + stride, ... of dx, and the taps that they meet. */
interface Phase {
  readonly phase: number;
  readonly first: number;
  readonly count: number;
  readonly taps: number;
  readonly shift: number;
}

function phasesOf(length: number, kernel: number, stride: number, padding: number): Phase[] {
  return Array.from({ length: stride }, (_, phase) => {
    const first = (((phase - padding) % stride) + stride) % stride;
    return {
      phase,
      first,
      count: Math.max(0, Math.ceil((length - first) / stride)),
      taps: Math.max(0, Math.ceil((kernel - phase) / stride)),
      shift: (first + padding - phase) / stride,
    };
  }).filter(({ count }) => count > 0);
}

function gradInputPhase(
  machine: Machine,
  g: ConvGeometry,
  dy: Pointer,
  w: Pointer,
  dx: Pointer,
  rows: Phase,
  columns: Phase,
): void {
  const pixelBytes = 4 * g.inChannels;
  const tapBytes = pixelBytes * g.outChannels;
  // Without taps in one direction there are none at all, and dx is 0.
  const [tapRows, tapColumns] = rows.taps && columns.taps ? [rows.taps, columns.taps] : [0, 0];
  withPanels(machine, tapRows * tapColumns * g.outChannels, g.inChannels, (panels, panelBytes) => {
    for (let i = 0; i < tapRows; i++) {
      const ky = rows.phase + (tapRows - 1 - i) * g.strideHeight;
      const kx = columns.phase + (tapColumns - 1) * g.strideWidth;
      const toBytes = B_STEP_BYTES * g.outChannels;
      pack(machine, {
        ...{ width: TILE_COLUMNS, interleave: true, lineBytes: 4 * g.outChannels, steps: g.outChannels },
        ...{ from: w + (ky * g.kernelWidth + kx) * tapBytes, to: panels + i * tapColumns * toBytes },
        ...{ places: g.inChannels, panelBytes },
        matrices: { count: tapColumns, fromBytes: -g.strideWidth * tapBytes, toBytes },
      });
    }
    convolve(machine, {
      ...{ batch: g.batch, height: g.outHeight, width: g.outWidth, inChannels: g.outChannels, from: dy },
      ...{ kernelHeight: tapRows, kernelWidth: tapColumns, strideHeight: 1, strideWidth: 1 },
      ...{ padTop: tapRows - 1 - rows.shift, padLeft: tapColumns - 1 - columns.shift },
      ...{ panels, panelBytes },
      ...{ outHeight: rows.count, outWidth: columns.count, outChannels: g.inChannels },
      to: dx + (rows.first * g.width + columns.first) * pixelBytes,
      outPixelBytes: g.strideWidth * pixelBytes,
      outRowBytes: g.strideHeight * g.width * pixelBytes,
      outImageBytes: g.height * g.width * pixelBytes,
    });
  });
}

/** Memory for the packed weights while `use` runs. */
function withPanels(
  machine: Machine,
  steps: number,
  outChannels: number,
  use: (panels: Pointer, panelBytes: number) => void,
): void {
  const panelBytes = steps * B_STEP_BYTES;
  const panels = machine.heap.alloc(Math.ceil(outChannels / TILE_COLUMNS) * panelBytes);
  try {
    use(panels, panelBytes);
  } finally {
    machine.heap.free(panels);
  }
}
