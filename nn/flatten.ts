import { sizeOf } from "../engine/shape.ts";
import { reshape } from "../kernels/index.ts";
import { fromOp } from "./from-op.ts";

/** [batch, height, width, channels] to [batch, height width channels], without a copy; likewise for any axes. */
export class Flatten extends fromOp((x) => reshape(x, [x.shape[0] ?? 1, sizeOf(x.shape.slice(1))])) {}
