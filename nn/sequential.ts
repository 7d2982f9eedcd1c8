import type { Tensor } from "../engine/tensor.ts";
import { Module } from "./module.ts";

/** Modules one after another: forward(x) = last(... first(x)). Their names are their positions: "0", "1", ... */
export class Sequential extends Module {
  readonly layers: readonly Module[];

  constructor(...layers: readonly Module[]) {
    super();
    this.layers = layers;
  }

  override forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.forward(value), x);
  }

  protected override members(): [string, Module][] {
    return this.layers.map((layer, i) => [String(i), layer]);
  }
}
