import { stopGradient } from "../../../engine/autograd.ts";
import type { Tensor } from "../../../engine/tensor.ts";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { binary, broadcasting, comparison, unary } from "../case.ts";
import type { Case } from "../case.ts";

const step = (op: (x: Tensor) => Tensor): Case => ({ ...unary(op), noGradient: "steps have no derivative" });

export const elementwise: Record<keyof (typeof ops)["elementwise"], Case> = {
  add: binary(k.add),
  sub: binary(k.sub),
  mul: binary(k.mul),
  div: binary(k.div, "positive"),
  neg: unary(k.neg),
  maximum: binary(k.maximum),
  exp: unary(k.exp),
  log: unary(k.log, "positive"),
  sqrt: unary(k.sqrt, "positive"),
  square: unary(k.square),
  relu: unary(k.relu),
  less: comparison(k.less),
  lessEqual: comparison(k.lessEqual),
  greater: comparison(k.greater),
  greaterEqual: comparison(k.greaterEqual),
  equal: comparison(k.equal),
  // Of the three, only the two values have a gradient: the condition is a constant here.
  where: binary((a, b) => k.where(k.less(stopGradient(a), 0), a, b)),
  minimum: binary(k.minimum),
  pow: binary(k.pow, "positive"),
  clamp: {
    examples: broadcasting(3).map((shapes) => ({
      shapes,
      call: (x, low, high) => [k.clamp(x, low, high), k.clamp(x, -0.3137, 0.7113)],
    })),
  },
  expm1: unary(k.expm1),
  log1p: unary(k.log1p, "positive"),
  rsqrt: unary(k.rsqrt, "positive"),
  reciprocal: unary(k.reciprocal, "positive"),
  abs: unary(k.abs),
  sin: unary(k.sin),
  cos: unary(k.cos),
  tanh: unary(k.tanh),
  erf: unary(k.erf),
  leakyRelu: unary((x) => k.leakyRelu(x, 0.2)),
  elu: unary((x) => k.elu(x, 1.5)),
  gelu: unary((x) => k.mul(k.gelu(x), k.gelu(x, { approximate: "tanh" }))),
  silu: unary(k.silu),
  sigmoid: unary(k.sigmoid),
  logSigmoid: unary(k.logSigmoid),
  softplus: unary(k.softplus),
  sign: step(k.sign),
  floor: step(k.floor),
  round: step(k.round),
};
