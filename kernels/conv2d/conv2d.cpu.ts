/**
 * The forward pass and the gradient of the input on the CPU: both pack the weights of one group of channels after another,
 * and are convolutions then, direct ones or Winograd's.
 */
import { pack } from "../../engine/backends/cpu/gemm/pack.ts";
import type { Panels } from "../../engine/backends/cpu/gemm/pack.ts";
import { B_STEP_BYTES, TILE_COLUMNS } from "../../engine/backends/cpu/gemm/tile.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import { convolve } from "./convolve.cpu.ts";
import { dense } from "./dense.cpu.ts";
import { depthwiseConvolve, isDepthwise } from "./depthwise.cpu.ts";
import { oneGroup } from "./geometry.ts";
import type { ConvGeometry } from "./geometry.ts";
import { fromChannel, imagesAt } from "./lines.cpu.ts";
import type { Images } from "./lines.cpu.ts";
import { withMergedWeights } from "./merge-groups.cpu.ts";
import { phaseGeometry, phasesOf } from "./phases.ts";
import type { Phases } from "./phases.ts";
import { withTransformedWeights } from "./winograd/weights.cpu.ts";
import { winograd } from "./winograd/convolve.cpu.ts";
import { outputTile } from "./winograd/winograd.ts";

/** Which tiles Winograd's convolution is to compute; undefined for direct convolution. */
type TileChoice = typeof outputTile;

/** y = conv2d(x, w). */
export function forwardOnCpu(
  machine: Machine,
  g: ConvGeometry,
  [x = 0, w = 0]: readonly Pointer[],
  [y = 0]: readonly Pointer[],
  tileOf: TileChoice = outputTile,
): void {
  const from = imagesAt(x, g.height, g.width, g.inChannels);
  const to = imagesAt(y, g.outHeight, g.outWidth, g.outChannels);
  const tapBytes = 4 * g.outChannels;
  if (isDepthwise(g)) {
    const taps = { at: w, rowBytes: g.kernelWidth * tapBytes, tapBytes };
    depthwiseConvolve(machine, g, from, taps, to);
    return;
  }
  withMergedWeights(machine, g, w, (merged, weights) => {
    // The right operand is w as it is, [kernelHeight * kernelWidth * inChannels, outChannels].
    const { kernelHeight, kernelWidth, inChannels, outChannels: places } = oneGroup(merged);
    const steps = kernelHeight * kernelWidth * inChannels;
    const matrix = { lineBytes: tapBytes, interleave: false, places, steps };
    eachGroup(machine, merged, steps, from, to, tileOf, (i, panels) => {
      pack(machine, { ...matrix, from: weights + 4 * i * places }, panels);
    });
  });
}

/** dx, the gradient of the input, one phase after another (see `phases.ts`). */
export function gradInputOnCpu(
  machine: Machine,
  g: ConvGeometry,
  [dy = 0, w = 0]: readonly Pointer[],
  [dx = 0]: readonly Pointer[],
  tileOf: TileChoice = outputTile,
): void {
  const from = imagesAt(dy, g.outHeight, g.outWidth, g.outChannels);
  const all = imagesAt(dx, g.height, g.width, g.inChannels);
  const eachPhase = (merged: ConvGeometry, weights: Pointer): void => {
    for (const phases of phasesOf(merged)) {
      const { rows, columns } = phases;
      const to = {
        at: all.at + rows.first * all.rowBytes + columns.first * all.pixelBytes,
        pixelBytes: g.strideWidth * all.pixelBytes,
        rowBytes: g.strideHeight * all.rowBytes,
        imageBytes: all.imageBytes,
      };
      gradInputPhase(machine, merged, phases, from, weights, to, tileOf);
    }
  };
  if (isDepthwise(g)) eachPhase(g, w);
  else withMergedWeights(machine, g, w, eachPhase);
}

/** The part of dx that lies in a phase of rows and a phase of columns. */
function gradInputPhase(
  machine: Machine,
  g: ConvGeometry,
  phases: Phases,
  from: Images,
  w: Pointer,
  to: Images,
  tileOf: TileChoice,
): void {
  const { rows, columns } = phases;
  const phase = phaseGeometry(g, phases);
  // The phase's taps from the last to the first.
  const tapBytes = (4 * g.outChannels * g.inChannels) / g.groups;
  const lastRow = rows.firstTap + (rows.taps - 1) * rows.tapStep;
  const lastColumn = columns.firstTap + (columns.taps - 1) * columns.tapStep;
  const taps = {
    at: w + (lastRow * g.kernelWidth + lastColumn) * tapBytes,
    rowBytes: -rows.tapStep * g.kernelWidth * tapBytes,
    tapBytes: -columns.tapStep * tapBytes,
  };
  if (isDepthwise(g)) {
    depthwiseConvolve(machine, phase, from, taps, to);
    return;
  }
  const { inChannels: steps, outChannels: places } = oneGroup(phase);
  const matrix = { lineBytes: 4 * g.outChannels, interleave: true, places, steps };
  const tapPanelBytes = B_STEP_BYTES * steps;
  const repeats = { count: columns.taps, fromBytes: taps.tapBytes, toBytes: tapPanelBytes };
  eachGroup(machine, phase, rows.taps * columns.taps * steps, from, to, tileOf, (i, panels) => {
    for (let row = 0; row < rows.taps; row++) {
      const rowPanels = { ...panels, to: panels.to + row * columns.taps * tapPanelBytes };
      pack(machine, { ...matrix, from: taps.at + row * taps.rowBytes + 4 * i * steps }, rowPanels, repeats);
    }
  });
}

/** Convolves the channels of one group after another; `packGroup` packs the weights of group i, `steps` for each place. */
function eachGroup(
  machine: Machine,
  g: ConvGeometry,
  steps: number,
  from: Images,
  to: Images,
  tileOf: TileChoice,
  packGroup: (i: number, panels: Panels) => void,
): void {
  const m = tileOf(g);
  const group = oneGroup(g);
  const panelBytes = steps * B_STEP_BYTES;
  const panels = {
    to: machine.heap.alloc(Math.ceil(group.outChannels / TILE_COLUMNS) * panelBytes),
    panelBytes,
    width: TILE_COLUMNS,
  };
  try {
    for (let i = 0; i < g.groups; i++) {
      packGroup(i, panels);
      const ownFrom = fromChannel(from, i * group.inChannels);
      const ownTo = fromChannel(to, i * group.outChannels);
      if (m === undefined) {
        convolve(machine, group, ownFrom, dense(group, ownFrom, panels, ownTo), ownTo);
      } else {
        withTransformedWeights(machine, group, m, panels, (transformed) => {
          convolve(machine, group, ownFrom, winograd(group, m, ownFrom, transformed, ownTo), ownTo);
        });
      }
    }
  } finally {
    machine.heap.free(panels.to);
  }
}
