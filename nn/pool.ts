/** Pooling as modules. Options and errors are those of the ops. */
import { avgPool2d, globalAvgPool } from "../kernels/index.ts";
import { fromOp } from "./from-op.ts";

/** The average over windows: `avgPool2d`. */
export class AvgPool2d extends fromOp(avgPool2d) {}

/** The average over each image: `globalAvgPool`. */
export class GlobalAvgPool extends fromOp(globalAvgPool) {}
