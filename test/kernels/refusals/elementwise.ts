import { ShapeError, ValueError } from "../../../engine/errors.ts";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { f23, f2, f3, x, unary, binary } from "./entry.ts";
import type { Entry } from "./entry.ts";

export const elementwise: Record<keyof (typeof ops)["elementwise"], Entry> = {
  ...{ add: binary(k.add), sub: binary(k.sub), mul: binary(k.mul), div: binary(k.div), pow: binary(k.pow) },
  ...{ maximum: binary(k.maximum), minimum: binary(k.minimum) },
  ...{ less: binary(k.less), lessEqual: binary(k.lessEqual), equal: binary(k.equal) },
  ...{ greater: binary(k.greater), greaterEqual: binary(k.greaterEqual) },
  where: {
    inputs: [f23, f3, f3],
    call: k.where,
    anyType: true,
    refuses: [[ShapeError, "shapes that broadcast", () => k.where(x(), x(f2), 0)]],
  },
  clamp: {
    inputs: [f23, f3, f3],
    call: k.clamp,
    anyType: true,
    refuses: [
      [ShapeError, "shapes that broadcast", () => k.clamp(x(), x(f2), 1)],
      [ValueError, "low <= high, got 2 and 1", () => k.clamp(x(), 2, 1)],
    ],
  },
  ...{
    neg: unary(k.neg),
    exp: unary(k.exp),
    expm1: unary(k.expm1),
    log: unary(k.log),
    log1p: unary(k.log1p),
  },
  ...{ sqrt: unary(k.sqrt), rsqrt: unary(k.rsqrt), square: unary(k.square), abs: unary(k.abs) },
  ...{ reciprocal: unary(k.reciprocal), sin: unary(k.sin), cos: unary(k.cos), tanh: unary(k.tanh) },
  ...{ erf: unary(k.erf), relu: unary(k.relu), leakyRelu: unary(k.leakyRelu, 2), elu: unary(k.elu, 2) },
  gelu: {
    ...unary(k.gelu),
    // @ts-expect-error no such approximation
    refuses: [...unary(k.gelu).refuses, [ValueError, "approximate to be none or tanh, got erf", () => k.gelu(x(), { approximate: "erf" })]], // prettier-ignore
  },
  logSigmoid: unary(k.logSigmoid),
  ...{ silu: unary(k.silu), sigmoid: unary(k.sigmoid), softplus: unary(k.softplus) },
  ...{ sign: unary(k.sign), floor: unary(k.floor), round: unary(k.round) },
};
