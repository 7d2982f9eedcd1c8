import assert from "node:assert/strict";
import { test } from "node:test";
import { init, Random } from "../../index.ts";
import { resnet18, resnet20, resnet8, summary } from "../../nn/index.ts";
import { fromNchw, fromOihw, toNchw, toOihw } from "../../bench/problems/layout.ts";
import { networkNames, workOf } from "../../bench/problems/problem.ts";
import { CLASSES, parameterShapes, trainingOperations } from "../../bench/problems/resnet.ts";
import { rowsOf } from "../../bench/suite/suite.ts";

const networks = { resnet8, resnet20, resnet18 };
const random = new Random(0);
const options = { backend: "cpu", threads: 2 } as const;

test("the networks that peers run have our networks' parameters", async () => {
  await init({ backend: "reference" });
  for (const name of networkNames) {
    const ours = networks[name]({ random, numClasses: CLASSES }).namedParameters();
    const shapes = [...ours].map(([key, { shape }]) => [key, shape] as const);
    assert.deepEqual(new Map(parameterShapes(name)), new Map(shapes));
  }
});

test("a training step counts three times the forward pass, less the gradient of the images", () => {
  for (const name of networkNames) {
    const size = name === "resnet18" ? 64 : 32;
    const { flops, rows } = summary(
      () => networks[name]({ random, numClasses: CLASSES }),
      [1, size, size, 3],
    );
    const first = rows.find((row) => row.name === "conv1");
    assert.equal(trainingOperations(name, size), 3 * flops - first!.flops);
  }
});

test("work is counted by the definition", () => {
  assert.equal(workOf({ kind: "matmul", m: 2, n: 3, k: 5 }).amount, 60);
  const conv = {
    kind: "conv2d",
    x: [1, 4, 4, 2],
    w: [3, 3, 2, 5],
    stride: 2,
    groups: 1,
    dilation: 1,
  } as const;
  assert.equal(workOf({ ...conv, pass: "forward" }).amount, 2 * (2 * 2) * 5 * 9 * 2);
  assert.equal(workOf({ ...conv, pass: "both" }).amount, 3 * 720);
});

test("layouts go there and back", () => {
  const x = Float32Array.from({ length: 2 * 3 * 4 * 5 }, (_, i) => i);
  assert.deepEqual(fromNchw(toNchw(x, [2, 3, 4, 5]), [2, 3, 4, 5]), x);
  assert.deepEqual(fromOihw(toOihw(x, [2, 3, 4, 5]), [2, 3, 4, 5]), x);
  // Element (n, h, w, c) = (1, 2, 3, 4) is the last in both; (0, 0, 0, 1) starts channel 1, after 3 x 4 pixels.
  assert.equal(toNchw(x, [2, 3, 4, 5])[12], 1);
});

test("rows have names of their own, and a filter finds them by topic and name", () => {
  const rows = rowsOf(options, "", false);
  assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length);
  assert.ok(rowsOf(options, "CONV", false).every(({ topic }) => topic === "conv2d"));
  assert.ok(rowsOf(options, "", true).length < rows.length);
  assert.deepEqual(rowsOf(options, "no such thing", false), []);
});
