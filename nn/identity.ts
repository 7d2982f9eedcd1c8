import { fromOp } from "./from-op.ts";

/** x itself: where a module is expected and nothing is to be done. */
export class Identity extends fromOp((x) => x) {}
