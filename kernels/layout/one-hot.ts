import { currentBackend } from "../../engine/backend.ts";
import { ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { indexTensor, range } from "../arguments.ts";
import type { Indices } from "../arguments.ts";
import { equal } from "../elementwise/comparisons.ts";

/**
 * A last axis of `classes` entries, f32, 1 at the label and 0 elsewhere: labels [...] give [..., classes]. Throws
 * ValueError unless `classes` is a positive integer and labels are from 0 to classes - 1 (an i32 tensor's where known).
 */
export function oneHot(labels: Indices, classes: number): Tensor {
  if (!Number.isInteger(classes) || classes < 1) {
    throw new ValueError(`oneHot: expected classes to be a positive integer, got ${classes}`);
  }
  const backend = labels instanceof Tensor ? labels.backend : currentBackend();
  return scope(() => {
    const own = indexTensor("oneHot", "labels", labels, classes, backend);
    return equal(reshape(own, [...own.shape, 1]), range(backend, classes));
  });
}
