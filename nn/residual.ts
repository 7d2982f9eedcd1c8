import type { Tensor } from "../engine/tensor.ts";
import { add } from "../kernels/index.ts";
import { Identity } from "./identity.ts";
import { Module } from "./module.ts";

/**
 * y = body(x) + shortcut(x): the body learns what is to be added to x (He, Zhang, Ren and Sun, CVPR 2016). Where it
 * changes the shape, the shortcut must change it too. Throws ShapeError if the two do not broadcast.
 */
export class Residual extends Module {
  readonly body: Module;
  readonly shortcut: Module;

  /** The shortcut is x itself by default. */
  constructor(body: Module, shortcut: Module = new Identity()) {
    super();
    this.body = body;
    this.shortcut = shortcut;
  }

  override forward(x: Tensor): Tensor {
    return add(this.body.forward(x), this.shortcut.forward(x));
  }
}
