/** Activation functions as modules. Options are those of the ops. */
import { relu } from "../kernels/index.ts";
import { fromOp } from "./from-op.ts";

/** max(x, 0) */
export class Relu extends fromOp(relu) {}
