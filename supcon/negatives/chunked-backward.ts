import { backward, leafOf, noGrad, stopGradient } from "../../engine/autograd.ts";
import { zeros } from "../../engine/create.ts";
import { NotDifferentiableError, ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { concat, slice } from "../../kernels/index.ts";
import type { Module } from "../../nn/module.ts";
import { copy } from "../../nn/update.ts";

/**
 * `backward` of a loss over a batch too large for memory, exactly, in the memory of one chunk (Gao et al., "Scaling Deep
 * Contrastive Learning Batch Size under Memory Limited Setup", RepL4NLP 2021: GradCache). A contrastive loss is no sum
 * over chunks, since all samples meet in it; but they meet in their embeddings alone:
 *
 *     dL/dtheta = sum over chunks c of  dL/dz_c dz_c/dtheta,    z_c = f(x_c; theta).
 *
 * So all z_c are computed without a tape, then L and the whole of dL/dz, then each chunk again with a tape, into which
 * its rows of dL/dz are sent. Of the batch there is but z and dL/dz; each chunk goes forward twice.
 *
 * ```ts
 * const chunks = parts.map((images) => () => model.forward(tensor(images, shape)));
 * const value = chunkedBackward(model, chunks, (z) => supConLoss(z, labels, { temperature }));
 * optimizer.step();
 * ```
 * Gradients are those of one pass through all chunks, up to rounding, and so is what that pass leaves behind. The first
 * pass leaves no trace: random generators and running statistics are put back, so that the second one draws the same
 * dropout masks, and each chunk counts once in the running statistics. Batch normalisation takes the mean and variance of
 * a chunk, not of the batch: with it, the chunks' size is part of what is computed. Randomness must come from the
 * module's host states, as in `Dropout`; from elsewhere the two passes would differ.
 *
 * @param module - all that the chunks' functions change: its buffers and host states.
 * @param chunks - each makes the embeddings of a chunk, rows along the first axis; called twice. Where it makes its input
 * too, that lives no longer than the chunk.
 * @param loss - a scalar of all chunks' embeddings, one after the other. Its own parameters have their gradients too.
 * @returns the loss, without a tape.
 * @throws ValueError without a chunk, NotDifferentiableError for a loss that does not depend on the embeddings.
 */
export function chunkedBackward(
  module: Module,
  chunks: readonly (() => Tensor)[],
  loss: (embeddings: Tensor) => Tensor,
): Tensor {
  if (chunks.length === 0) throw new ValueError("chunkedBackward: expected at least one chunk, got none");
  return scope(() => {
    const embeddings = leafOf(withoutTrace(module, () => embed(chunks)));
    const value = loss(embeddings);
    backward(value);
    const gradient = embeddings.grad;
    if (!gradient) {
      throw new NotDifferentiableError(
        "chunkedBackward: expected a loss that depends on the embeddings, got one that does not",
      );
    }
    let done = 0;
    for (const chunk of chunks) {
      scope(() => {
        const part = chunk();
        const end = done + (part.shape[0] ?? 0);
        backward(part, { gradient: slice(gradient, [done], [end]) });
        done = end;
      });
    }
    return stopGradient(value);
  });
}

/** The embeddings of all chunks, without a tape. */
const embed = (chunks: readonly (() => Tensor)[]): Tensor =>
  noGrad(() =>
    scope(() =>
      concat(
        chunks.map((chunk) => scope(chunk)),
        0,
      ),
    ),
  );

/** Runs `body`, and puts the module's buffers and host states back to what they were. */
function withoutTrace<T>(module: Module, body: () => T): T {
  return scope(() => {
    // Integers on the device are constants: no update overwrites them.
    const buffers = [...module.namedBuffers().values()].filter(({ dtype }) => dtype === "f32");
    const saved = buffers.map((buffer) => {
      const before = zeros(buffer.shape);
      copy(before, buffer);
      return { buffer, before };
    });
    const states = [...module.namedHostStates().values()].map((state) => ({ state, before: state.values }));
    try {
      return body();
    } finally {
      for (const { buffer, before } of saved) copy(buffer, before);
      for (const { state, before } of states) state.values = before;
    }
  });
}
