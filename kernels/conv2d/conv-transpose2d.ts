/**
 * Transposed convolution: the linear map whose matrix is the transpose of a convolution's.
 *
 * Of the convolution, x is the output and y the input. So the forward pass is the convolution's gradient of the input, and
 * the gradients are a convolution and a gradient of the weights: the same three passes ({@link gradInputOp}) with other
 * names.
 */
import { ShapeError } from "../../engine/errors.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkTensors } from "../arguments.ts";
import { pair, rank4, windowSpan } from "../window.ts";
import type { Pair } from "../window.ts";
import { checkGroups, weightAxes } from "./geometry.ts";
import type { ConvGeometry } from "./geometry.ts";
import { gradInputOp } from "./passes.ts";

/** Options of {@link convTranspose2d}. One number stands for both axes; pairs are [height, width]. */
export interface ConvTransposeOptions {
  /** Output pixels between neighbouring input pixels. Default 1. */
  readonly stride?: Pair;
  /** Rows and columns cut off on each side: those that the convolution adds. Default 0. */
  readonly padding?: Pair;
  /**
   * Rows and columns more at the bottom and right, fewer than stride or dilation: a convolution has the same output for
   * inputs of several sizes, and this chooses among them. Default 0.
   */
  readonly outputPadding?: Pair;
  /** Output pixels between neighbouring taps. Default 1. */
  readonly dilation?: Pair;
  /** Into how many groups channels are divided, each on its own. Default 1. */
  readonly groups?: number;
}

/**
 * y [batch, outHeight, outWidth, outChannels] from x [batch, height, width, inChannels] and
 * w [kernelHeight, kernelWidth, outChannels / groups, inChannels], where
 *
 *     outHeight = (height - 1) * stride - 2 * padding + (kernelHeight - 1) * dilation + outputPadding + 1
 *
 * and outWidth likewise. w is that of the convolution which leads back from y to x. The meaning is PyTorch's, whose
 * weights [inChannels, outChannels / groups, kernelHeight, kernelWidth] become w by `transpose(weight, [2, 3, 1, 0])`.
 * Throws ShapeError if shapes or options do not fit together, DTypeError unless both are f32.
 */
export function convTranspose2d(x: Tensor, w: Tensor, options: ConvTransposeOptions = {}): Tensor {
  const geometry = transposeGeometry("convTranspose2d", x.shape, w.shape, options);
  checkTensors("convTranspose2d", "f32", { x, w });
  return gradInputOp({ dy: x, w }, geometry);
}

/** The geometry of the convolution from y to x. */
function transposeGeometry(
  who: string,
  xShape: Shape,
  wShape: Shape,
  options: ConvTransposeOptions,
): ConvGeometry {
  const [batch, outHeight, outWidth, outChannels] = rank4(who, "x", xShape, "batch, height, width, channels");
  const [kernelHeight, kernelWidth, groupChannels, wChannels] = weightAxes(who, wShape);
  const { groups = 1 } = options;
  const shapes = `x ${formatShape(xShape)} and w ${formatShape(wShape)}`;
  if (outChannels !== wChannels) {
    throw new ShapeError(
      `${who}: expected as many channels in x (last axis) as in w (last axis), got ${outChannels} and ${wChannels} from ${shapes}`,
    );
  }
  checkGroups(who, groups, { x: outChannels }, shapes);
  const [strideHeight, strideWidth] = pair(who, "stride", options.stride ?? 1, 1);
  const [padTop, padLeft] = pair(who, "padding", options.padding ?? 0, 0);
  const [dilationHeight, dilationWidth] = pair(who, "dilation", options.dilation ?? 1, 1);
  const [moreHeight, moreWidth] = pair(who, "outputPadding", options.outputPadding ?? 0, 0);
  if (
    moreHeight >= Math.max(strideHeight, dilationHeight) ||
    moreWidth >= Math.max(strideWidth, dilationWidth)
  ) {
    throw new ShapeError(
      `${who}: expected outputPadding smaller than stride or dilation, got ${moreHeight} x ${moreWidth} with ` +
        `stride ${strideHeight} x ${strideWidth} and dilation ${dilationHeight} x ${dilationWidth}`,
    );
  }
  const height =
    (outHeight - 1) * strideHeight - 2 * padTop + windowSpan(kernelHeight, dilationHeight) + moreHeight;
  const width =
    (outWidth - 1) * strideWidth - 2 * padLeft + windowSpan(kernelWidth, dilationWidth) + moreWidth;
  if (height < 1 || width < 1) {
    throw new ShapeError(
      `${who}: expected an output of at least 1 x 1, got ${height} x ${width} from ${shapes}; a smaller padding makes room`,
    );
  }
  // prettier-ignore
  return {
    batch, height, width, inChannels: groupChannels * groups, outHeight, outWidth, outChannels, groups,
    kernelHeight, kernelWidth, strideHeight, strideWidth, dilationHeight, dilationWidth, padTop, padLeft,
  };
}
