/** Pooling as modules. Options and errors are those of the ops. */
import { adaptiveAvgPool2d, avgPool2d, globalAvgPool, maxPool2d } from "../kernels/index.ts";
import { fromOp } from "./from-op.ts";

/** The largest element of windows: `new MaxPool2d({ kernel, stride, padding })`. */
export class MaxPool2d extends fromOp(maxPool2d) {}

/** The average over windows: `new AvgPool2d({ kernel, stride, padding })`. */
export class AvgPool2d extends fromOp(avgPool2d) {}

/** The average over as many windows as are asked for: `new AdaptiveAvgPool2d(outputSize)`. */
export class AdaptiveAvgPool2d extends fromOp(adaptiveAvgPool2d) {}

/** The average over all pixels: [batch, height, width, channels] to [batch, channels]. */
export class GlobalAvgPool extends fromOp(globalAvgPool) {}
