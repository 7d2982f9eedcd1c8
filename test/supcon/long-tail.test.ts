import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { grad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { ShapeError, ValueError } from "../../engine/errors.ts";
import { gradCheck } from "../../engine/gradcheck.ts";
import { Random } from "../../engine/random.ts";
import { balancedAnchorLosses, balancedLoss, parametricLoss } from "../../supcon/losses/index.ts";
import { assertRefused, useReference, values } from "../kernels/helpers.ts";
import { dot, goldenFeatures, goldenLabels, normalized, normalRows } from "./oracle.ts";

const close = (actual: number, expected: number, tolerance = 1e-9): void => {
  const off = Math.abs(actual - expected);
  assert.ok(off <= tolerance * Math.max(1, Math.abs(expected)), `expected ${expected}, got ${actual}`);
};

describe("balancedLoss", () => {
  before(useReference);
  const goldenPrototypes = [[1, 0.1, 0.1], [0.1, 1, 0.5]]; // prettier-ignore

  it("has the golden values", async () => {
    const [features, prototypes] = [tensor(goldenFeatures), tensor(goldenPrototypes)];
    const options = { temperature: 0.5 };
    const rows = await values(balancedAnchorLosses(features, goldenLabels, prototypes, options));
    // The golden rows are listed view by view.
    const expected = [0.88231329, 0.90328919, 0.8932894, 0.98822798, 0.59058209, 0.62734371];
    rows.forEach((row, i) => { close(row, expected[i]!, 5e-9); }); // prettier-ignore
    close(await balancedLoss(features, goldenLabels, prototypes, options).item(), 0.8141742767, 5e-11);
  });

  it("is the definition, pair by pair", async () => {
    const random = new Random(4);
    for (let trial = 0; trial < 20; trial++) {
      const [rows, prototypes] = [normalRows(7, 3, trial), normalRows(3, 3, 100 + trial)];
      const labels = rows.map(() => random.integer(3));
      const z = [...normalized(rows), ...normalized(prototypes)];
      const classes = [...labels, 0, 1, 2];
      const found = await values(balancedAnchorLosses(tensor(rows), labels, tensor(prototypes)));
      found.forEach((loss, i) => {
        const others = z.map((_, a) => a).filter((a) => a !== i);
        const s = (a: number) => dot(z[i]!, z[a]!) / 0.07;
        // A mean for each class, summed up.
        const denominator = [0, 1, 2].reduce((sum, c) => {
          const members = others.filter((a) => classes[a] === c);
          return sum + members.reduce((total, a) => total + Math.exp(s(a)), 0) / members.length;
        }, 0);
        const positives = others.filter((a) => classes[a] === labels[i]);
        const logs = positives.map((p) => s(p) - Math.log(denominator));
        close(loss, -logs.reduce((a, b) => a + b, 0) / logs.length);
      });
    }
  });

  it("has the gradient of central differences, for prototypes too", async () => {
    await gradCheck(
      (x, prototypes) => balancedLoss(x, [0, 0, 1, 0, 2], prototypes, { temperature: 0.5 }),
      [tensor(normalRows(5, 3, 1)), tensor(normalRows(3, 3, 2))],
    );
  });

  it("refuses labels without a prototype, and prototypes of another length", () => {
    const rows = tensor(normalRows(3, 3, 1));
    const refused = (labels: number[], prototypes: number[][], type: typeof ValueError, message: RegExp) => {
      assertRefused(() => balancedLoss(rows, labels, tensor(prototypes)), type, message);
    };
    refused([0, 1, 2], normalRows(2, 3, 1), ValueError, /integers from 0 to 1, got 2 at position 2/);
    refused([0, 1, 1], normalRows(2, 4, 1), ShapeError, /prototypes of shape \[2, 3\]/);
    refused([0, 1], normalRows(2, 3, 1), ShapeError, /expected labels \[3\]/);
  });
});

describe("parametricLoss", () => {
  before(useReference);
  const options = { temperature: 0.4, alpha: 0.3, beta: 0.8, gamma: 0.6, classCounts: [50, 30, 20] };
  const [rows, logits, keys] = [normalRows(6, 4, 1), normalRows(6, 3, 2), normalRows(4, 4, 3)];
  const [labels, ofKeys] = [
    [0, 1, 0, 2, 1, 0],
    [2, 0, 1, 1],
  ];

  it("is the definition, pair by pair, with a queue and without", async () => {
    for (const queue of [undefined, { keys: tensor(keys), labels: ofKeys }]) {
      const z = normalized([...rows, ...(queue ? keys : [])]);
      const classes = [...labels, ...(queue ? ofKeys : [])];
      const losses = rows.map((_, i) => {
        const centre = (c: number) => logits[i]![c]! + Math.log(options.classCounts[c]! / 100);
        const s = (a: number) => dot(z[i]!, z[a]!) / options.temperature;
        const others = z.map((_, a) => a).filter((a) => a !== i);
        const denominator =
          [0, 1, 2].reduce((sum, c) => sum + Math.exp(centre(c)), 0) +
          options.gamma * others.reduce((sum, a) => sum + Math.exp(s(a)), 0);
        const positives = others.filter((a) => classes[a] === labels[i]);
        const own = options.beta * (centre(labels[i]!) - Math.log(denominator));
        const same = positives.reduce((sum, p) => sum + options.alpha * (s(p) - Math.log(denominator)), 0);
        return -(own + same) / (options.beta + options.alpha * positives.length);
      });
      const found = parametricLoss(tensor(rows), labels, tensor(logits), {
        ...options,
        ...(queue && { queue }),
      });
      close(await found.item(), losses.reduce((a, b) => a + b) / losses.length);
    }
  });

  it("is cross-entropy on logits where features count next to nothing", async () => {
    const found = parametricLoss(tensor(rows), labels, tensor(logits), { alpha: 1e-12, gamma: 1e-12 });
    const losses = logits.map(
      (row, i) => Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[labels[i]!]!,
    );
    close(await found.item(), losses.reduce((a, b) => a + b) / losses.length, 1e-6);
  });

  it("has the gradient of central differences, and none for keys", async () => {
    const queue = { keys: tensor(keys, undefined, { requiresGrad: true }), labels: ofKeys };
    const loss = (...[x, l]: ReturnType<typeof tensor>[]) =>
      parametricLoss(x!, labels, l!, { ...options, queue });
    await gradCheck(loss, [tensor(rows), tensor(logits)]);
    assert.throws(() => grad(loss(tensor(rows), tensor(logits)), [queue.keys]), "keys are constants");
  });

  it("refuses what does not fit", () => {
    const call = (given: object, own = labels) => parametricLoss(tensor(rows), own, tensor(logits), given);
    assertRefused(() => call({ classCounts: [1, 0, 2] }), ValueError, /expected 3 classCounts above 0/);
    assertRefused(() => call({ gamma: 0 }), ValueError, /expected gamma to be a finite number > 0/);
    assertRefused(() => call({}, [0, 1, 2, 3, 0, 1]), ValueError, /integers from 0 to 2, got 3/);
    const queue = { keys: tensor(normalRows(2, 3, 1)), labels: [0, 1] };
    assertRefused(() => call({ queue }), ShapeError, /queue.keys of shape \[2, 4\]/);
  });
});
