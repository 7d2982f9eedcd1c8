import type { Tensor } from "../engine/tensor.ts";
import { relu } from "../kernels/index.ts";
import { Module } from "./module.ts";

/** max(x, 0) elementwise, as a module for {@link Sequential}. */
export class Relu extends Module {
  override forward(x: Tensor): Tensor {
    return relu(x);
  }
}
