import type { LoopStructure } from "../../../expr/kernel.ts";
import type { WgslBody } from "../../../kernel.ts";
import { foldBody } from "./fold.ts";
import { mapBody } from "./map.ts";

/** The WebGPU body of an expression kernel. Its shaders are made when they are first called. */
export const wgslBody = (structure: LoopStructure): WgslBody<string> =>
  structure.definition.accumulators.length > 0 ? foldBody(structure) : mapBody(structure);
