import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { grad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { NotDifferentiableError, ShapeError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import { jointSums } from "../../engine/joint-sums.ts";
import { add, concat, mul, reshape, square } from "../../kernels/index.ts";
import { assertRefused, assertTensor, checkGradients, distinct, useReference } from "../kernels/helpers.ts";

const moments = jointSums("moments", 1, (x) => ({ total: x, squares: e.square(x) }));
const products = jointSums("products", 3, (a, b, c) => ({ ab: e.mul(a, e.exp(b)), bc: e.mul(b, c) }));

describe("jointSums", () => {
  beforeEach(useReference);

  it("by hand: sums and sums of squares, of rows and of columns", async () => {
    const x = tensor([1, 2, 3, 4, 5, 6], [2, 3]);
    const rows = moments([x], [1]);
    await assertTensor(rows.total, [2, 1], [6, 15]);
    await assertTensor(rows.squares, [2, 1], [14, 77]);
    const columns = moments([x], [0]);
    await assertTensor(columns.total, [1, 3], [5, 7, 9]);
    await assertTensor(columns.squares, [1, 3], [17, 29, 45]);
  });

  it("gradients of gradients, with operands that broadcast", async () => {
    const operands = distinct(4, [2, 3], [3], [2, 1]);
    await checkGradients((...xs) => {
      const { ab, bc } = products(xs, [1]);
      return concat([reshape(mul(ab, 2), [-1]), reshape(square(bc), [-1])], 0);
    }, operands);
  });

  it("a sum that nothing depends on costs no gradient", async () => {
    const [a, b, c] = [1, 2, 3].map((x) => tensor([x], [1], { requiresGrad: true }));
    const { bc } = products([a!, b!, c!], [0]);
    await assertTensor(grad(bc, [b!])[0], [1], [3]);
    const { ab } = products([a!, b!, c!], [0]);
    const [da, dc] = grad(add(ab, 0), [a!, c!]);
    await assertTensor(da, [1], [Math.exp(2)]);
    await assertTensor(dc, [1], [0]);
  });

  it("refuses shapes that do not broadcast, and derivatives that are not there", () => {
    assertRefused(() => products([tensor([1, 2]), tensor([1, 2, 3]), tensor([1])], [0]), ShapeError, /^products: expected shapes that broadcast/); // prettier-ignore
    const counts = jointSums("counts", 1, (x) => ({ positive: e.less(0, x) }));
    const x = tensor([1, -1], [2], { requiresGrad: true });
    assert.throws(() => grad(counts([x], [0]).positive, [x]), NotDifferentiableError);
  });
});
