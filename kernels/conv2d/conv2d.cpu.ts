/**
 * The forward pass and the gradient of the input on the CPU: both pack the weights, and are convolutions then.
 */
import { pack } from "../../engine/backends/cpu/gemm/pack.ts";
import type { Panels } from "../../engine/backends/cpu/gemm/pack.ts";
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
  const pixelBytes = 4 * g.outChannels;
  withPanels(machine, steps, g.outChannels, (panels) => {
    pack(
      machine,
      { from: w, lineBytes: pixelBytes, interleave: false, places: g.outChannels, steps },
      panels,
    );
    convolve(machine, g, x, panels, {
      to: y,
      pixelBytes,
      rowBytes: g.outWidth * pixelBytes,
      imageBytes: g.outHeight * g.outWidth * pixelBytes,
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
    for (const columns of columnPhases) gradInputPhase(machine, g, [dy, w, dx], rows, columns);
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
      shift: Math.floor((first + padding) / stride),
    };
  }).filter(({ count }) => count > 0);
}

/** The part of dx that lies in a phase of rows and a phase of columns. */
function gradInputPhase(
  machine: Machine,
  g: ConvGeometry,
  [dy, w, dx]: readonly [Pointer, Pointer, Pointer],
  rows: Phase,
  columns: Phase,
): void {
  const pixelBytes = 4 * g.inChannels;
  const tapBytes = pixelBytes * g.outChannels;
  const [tapRows, tapColumns] = [rows.taps, columns.taps]; // where one is 0, so is dx
  withPanels(machine, tapRows * tapColumns * g.outChannels, g.inChannels, (panels) => {
    const tapPanelBytes = B_STEP_BYTES * g.outChannels;
    for (let i = 0; i < tapRows; i++) {
      const ky = rows.phase + (tapRows - 1 - i) * g.strideHeight;
      const kx = columns.phase + (tapColumns - 1) * g.strideWidth;
      const from = w + (ky * g.kernelWidth + kx) * tapBytes;
      pack(
        machine,
        { from, lineBytes: 4 * g.outChannels, interleave: true, places: g.inChannels, steps: g.outChannels },
        { ...panels, to: panels.to + i * tapColumns * tapPanelBytes },
        { count: tapColumns, fromBytes: -g.strideWidth * tapBytes, toBytes: tapPanelBytes },
      );
    }
    const phase = {
      batch: g.batch,
      height: g.outHeight,
      width: g.outWidth,
      inChannels: g.outChannels,
      outHeight: rows.count,
      outWidth: columns.count,
      outChannels: g.inChannels,
      kernelHeight: tapRows,
      kernelWidth: tapColumns,
      strideHeight: 1,
      strideWidth: 1,
      padTop: tapRows - 1 - rows.shift,
      padLeft: tapColumns - 1 - columns.shift,
    };
    convolve(machine, phase, dy, panels, {
      to: dx + (rows.first * g.width + columns.first) * pixelBytes,
      pixelBytes: g.strideWidth * pixelBytes,
      rowBytes: g.strideHeight * g.width * pixelBytes,
      imageBytes: g.height * g.width * pixelBytes,
    });
  });
}

/** Memory for the packed weights while `use` runs. */
function withPanels(
  machine: Machine,
  steps: number,
  outChannels: number,
  use: (panels: Panels) => void,
): void {
  const panelBytes = steps * B_STEP_BYTES;
  const to = machine.heap.alloc(Math.ceil(outChannels / TILE_COLUMNS) * panelBytes);
  try {
    use({ to, panelBytes, width: TILE_COLUMNS });
  } finally {
    machine.heap.free(to);
  }
}
