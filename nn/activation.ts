/** Activation functions as modules. Formulas and options are those of the ops. */
import { elu, gelu, leakyRelu, relu, sigmoid, silu, softplus, tanh } from "../kernels/index.ts";
import { fromOp } from "./from-op.ts";

/** max(x, 0) */
export class Relu extends fromOp(relu) {}

/** x where positive, else slope x: `new LeakyRelu(slope)`, by default 0.01. */
export class LeakyRelu extends fromOp(leakyRelu) {}

/** x where positive, else alpha (e^x - 1): `new Elu(alpha)`, by default 1. */
export class Elu extends fromOp(elu) {}

/** ln(1 + e^x) */
export class Softplus extends fromOp(softplus) {}

/** 1 / (1 + e^-x) */
export class Sigmoid extends fromOp(sigmoid) {}

/** The hyperbolic tangent. */
export class Tanh extends fromOp(tanh) {}

/** x times the probability that a standard normal number is below x. */
export class Gelu extends fromOp(gelu) {}

/** x / (1 + e^-x) */
export class Silu extends fromOp(silu) {}
