import { ValueError } from "../engine/errors.ts";
import type { Random } from "../engine/random.ts";
import type { Tensor } from "../engine/tensor.ts";
import { add, conv2d } from "../kernels/index.ts";
import type { ConvOptions } from "../kernels/index.ts";
import { checkPositiveInteger } from "./check.ts";
import { kaimingNormal } from "./init.ts";
import type { Initializer } from "./init.ts";
import { Module, parameter } from "./module.ts";

/** Options of {@link Conv2d}: those of the convolution, and those of its parameters. */
export interface Conv2dOptions extends ConvOptions {
  /** Where the initial weight is drawn from. */
  readonly random: Random;
  /** Whether there is a bias, which starts at 0. Default false: the batch normalisation that follows has one. */
  readonly bias?: boolean;
  /** Initial values of the weight. Default `kaimingNormal("out")`. */
  readonly init?: Initializer;
}

/**
 * A convolution of x [batch, height, width, inChannels] with a weight
 * [kernelSize, kernelSize, inChannels / groups, outChannels] (PyTorch stores [outChannels, inChannels / groups, ...])
 * and, optionally, a bias [outChannels].
 */
export class Conv2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly #options: ConvOptions;

  /** Throws ValueError for sizes that are not positive integers, and groups that do not divide both channels. */
  constructor(inChannels: number, outChannels: number, kernelSize: number, options: Conv2dOptions) {
    super();
    for (const [name, size] of Object.entries({ inChannels, outChannels, kernelSize })) {
      checkPositiveInteger("Conv2d", name, size);
    }
    const { random, bias = false, init = kaimingNormal("out"), ...convOptions } = options;
    const { groups = 1 } = convOptions;
    checkPositiveInteger("Conv2d", "groups", groups);
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new ValueError(
        `Conv2d: expected groups to divide ${inChannels} and ${outChannels} channels, got ${groups}`,
      );
    }
    const shape = [kernelSize, kernelSize, inChannels / groups, outChannels];
    this.weight = parameter(shape, () => init(shape, random));
    this.bias = bias ? parameter([outChannels], new Float64Array(outChannels)) : null;
    this.#options = convOptions;
  }

  override forward(x: Tensor): Tensor {
    const y = conv2d(x, this.weight, this.#options);
    return this.bias ? add(y, this.bias) : y;
  }
}
