import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { defaultPolicies } from "../../supcon/augment/defaults.ts";
import { channelStatistics, classCounts } from "../../supcon/data/dataset.ts";
import { loadShapes } from "../../supcon/data/shapes.ts";

describe("shapes", () => {
  const [train, test] = [loadShapes("train"), loadShapes("test")];

  it("are the same everywhere, every class equally often", () => {
    const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    assert.equal(hash(train.images), "95879b92e87aa50fad1b889536992fab20fea7ea35b6ff6d267e0bcd3aa20730");
    assert.equal(hash(test.images), "4a99923395a4099e61ee29957c5ac129e9ae612aa061e04a80c33d672a68b6da");
    const names = ["disc", "ring", "crescent", "triangle", "square", "pentagon", "star", "cross"];
    assert.deepEqual(train.classes, names);
    assert.deepEqual(classCounts(train), Array<number>(8).fill(1875));
    assert.deepEqual(classCounts(test), Array<number>(8).fill(375));
  });

  it("have the mean and the standard deviation that normalise them", () => {
    const { mean, std } = channelStatistics(train);
    const rounded = (values: readonly number[]) => values.map((value) => Math.round(1000 * value) / 1000);
    const { mean: expectedMean, std: expectedStd } = defaultPolicies.shapes;
    assert.deepEqual([rounded(mean), rounded(std)], [expectedMean, expectedStd]);
  });

  it("are not told apart by their pixels: the nearest of 2,000 by them is seldom of the class", () => {
    const [known, asked, size] = [2000, 100, 3072];
    let right = 0;
    for (let i = 0; i < asked; i++) {
      let [best, nearest] = [Infinity, 0];
      for (let j = 0; j < known; j++) {
        let distance = 0;
        for (let k = 0; k < size && distance < best; k++) {
          distance += (test.images[i * size + k]! - train.images[j * size + k]!) ** 2;
        }
        if (distance < best) [best, nearest] = [distance, j];
      }
      if (train.labels[nearest] === test.labels[i]) right++;
    }
    // By chance one in eight, standard deviation 3.3.
    assert.ok(right < 40, `${right} % right`);
  });
});
