/**
 * The gradient of the input as convolutions of stride 1.
 *
 * A row iy of dx meets those taps ky for which oy = (iy + padTop - ky * dilation) / stride is whole. That depends on
 * iy + padTop mod stride alone, so the rows of dx fall into `stride` phases, whose rows all meet the same taps. With
 * d = gcd(stride, dilation), a phase meets either none or every (stride / d)-th tap, beginning with some firstTap:
 *
 *     iy = first + stride * t  and  ky = firstTap + stride / d * i   give   oy = shift + t - dilation / d * i
 *
 * and so do the columns. Within a phase, dx is thus a convolution of stride 1 of dy, with the phase's taps in reverse
 * order and the channels of w exchanged. Nothing is multiplied by the zeros that a transposed convolution would insert.
 */
import type { ConvGeometry } from "./geometry.ts";

/** The rows (or columns) first, first + stride, ... of dx, and the taps that they meet. */
export interface Phase {
  readonly first: number;
  readonly count: number;
  readonly firstTap: number;
  readonly tapStep: number;
  readonly taps: number;
  /** Rows of dy between those of neighbouring taps. */
  readonly dilation: number;
  readonly shift: number;
}

/** Phases of rows and of columns. */
export interface Phases {
  readonly rows: Phase;
  readonly columns: Phase;
}

/** All phases that have pixels. */
export function phasesOf(g: ConvGeometry): Phases[] {
  const columns = along(g.width, g.kernelWidth, g.strideWidth, g.dilationWidth, g.padLeft);
  return along(g.height, g.kernelHeight, g.strideHeight, g.dilationHeight, g.padTop).flatMap((rows) =>
    columns.map((each) => ({ rows, columns: each })),
  );
}

function along(length: number, kernel: number, stride: number, dilation: number, padding: number): Phase[] {
  const modStride = (x: number): number => ((x % stride) + stride) % stride;
  const tapStep = stride / gcd(stride, dilation);
  return Array.from({ length: stride }, (_, phase) => {
    const first = modStride(phase - padding);
    let firstTap = 0;
    while (firstTap < tapStep && (firstTap * dilation) % stride !== phase) firstTap++;
    const meets = firstTap < Math.min(tapStep, kernel);
    return {
      first,
      count: Math.max(0, Math.ceil((length - first) / stride)),
      firstTap,
      tapStep,
      taps: meets ? Math.ceil((kernel - firstTap) / tapStep) : 0,
      dilation: dilation / gcd(stride, dilation),
      shift: Math.floor((first + padding - firstTap * dilation) / stride), // whole if there are taps
    };
  }).filter(({ count }) => count > 0);
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** The convolution of dy in a phase. Where there are no taps, dx is 0. */
export function phaseGeometry(g: ConvGeometry, { rows, columns }: Phases): ConvGeometry {
  const before = ({ taps, dilation, shift }: Phase): number => (taps - 1) * dilation - shift;
  return {
    batch: g.batch,
    height: g.outHeight,
    width: g.outWidth,
    inChannels: g.outChannels,
    outHeight: rows.count,
    outWidth: columns.count,
    outChannels: g.inChannels,
    kernelHeight: rows.taps,
    kernelWidth: columns.taps,
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: rows.dilation,
    dilationWidth: columns.dilation,
    padTop: before(rows),
    padLeft: before(columns),
    groups: g.groups,
  };
}
