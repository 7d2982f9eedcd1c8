/** A training that is cut and goes on ends with the same bits as one that is not. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Random } from "../../engine/random.ts";
import { digitPolicy } from "../../supcon/augment/policy.ts";
import { Pretraining } from "../../supcon/commands/pretrain.ts";
import type { PretrainHooks, PretrainOptions } from "../../supcon/commands/pretrain-options.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";
import { SupConModel } from "../../supcon/model.ts";
import { readCheckpoint, writeCheckpoint } from "../../supcon/run/checkpoint.ts";
import { useReference } from "../kernels/helpers.ts";
import { readJson, runCommand, tiny } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-resume-"));
after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore

describe("Pretraining", () => {
  before(useReference);

  const random = new Random(1);
  const dataset: ImageDataset = {
    ...{ name: "noise", count: 13, height: 8, width: 8, channels: 1, classes: ["a", "b"] },
    images: Uint8Array.from({ length: 13 * 64 }, () => random.integer(256)),
    labels: Int32Array.from({ length: 13 }, (_, i) => i % 2),
  };
  const options = {
    ...{ epochs: 2, batch: 4, views: 2, policy: digitPolicy, temperature: 0.1 },
    ...{ learningRate: 0.1, momentum: 0.9, weightDecay: 1e-3, warmup: 0.5, random: new Random(2) },
  };
  const runs: Record<string, Partial<PretrainOptions>> = {
    "by default": {},
    "with two data threads": { dataThreads: 2 },
    "with a queue, a momentum encoder and chunks": { queue: 10, keyMomentum: 0.9, chunk: 3 },
    "with a classifier, class centres, a queue and LARS": {
      form: "joint",
      loss: "parametric",
      queue: 5,
      optimizer: "lars",
    },
  };
  for (const [name, more] of Object.entries(runs))
    it(`goes on to the same bits from whichever step it was cut at, ${name}`, async () => {
      const fresh = () => {
        const makeModel = () => new SupConModel({ random: new Random(3), width: 2, inChannels: 1, dim: 4 });
        const model = makeModel();
        return { model, training: new Pretraining(model, dataset, { ...options, ...more, makeModel }) };
      };
      const losses: number[] = [];
      const epochs: unknown[] = [];
      const hooks: PretrainHooks = {
        onStep: ({ loss }) => void losses.push(loss),
        onEpoch: ({ epoch, loss, learningRate }) => void epochs.push({ epoch, loss, learningRate }),
      };
      const whole = fresh();
      await whole.training.run(hooks);
      const [allLosses, allEpochs] = [losses.splice(0), epochs.splice(0)];
      assert.equal(allLosses.length, 6);
      const path = join(folder, "checkpoint.safetensors");

      for (let cut = 0; cut <= 6; cut++) {
        const first = fresh();
        const controller = new AbortController();
        if (cut === 0) controller.abort();
        await first.training.run({
          ...hooks,
          onStep: async (report) => {
            await hooks.onStep?.(report);
            if (report.step === cut) controller.abort();
          },
          signal: controller.signal,
        });
        assert.equal(first.training.position.step, cut);
        writeCheckpoint(path, {
          model: await first.model.stateDict(),
          training: await first.training.state(),
          ...{ position: first.training.position, seconds: 0, machine: "a test" },
        });

        const second = fresh();
        const checkpoint = readCheckpoint(path);
        second.model.loadStateDict(checkpoint.model);
        second.training.resume(checkpoint.position, checkpoint.training);
        await second.training.run(hooks);
        assert.deepEqual(losses.splice(0), allLosses, `cut after step ${cut}`);
        assert.deepEqual(epochs.splice(0), allEpochs, `cut after step ${cut}`);
        assert.deepEqual(await second.model.stateDict(), await whole.model.stateDict());
        assert.deepEqual(await second.training.state(), await whole.training.state());
      }
    });
});

describe("supcon/train.ts, interrupted", () => {
  const whole = join(folder, "whole");
  const cut = join(folder, "cut");
  const args = [...tiny, "--epochs", "3", "--linear-epochs", "200", "--seed", "5"];

  it("leaves a checkpoint on Ctrl-C, and goes on to the same weights with --resume", async () => {
    assert.equal((await runCommand("train", [...args, "--out", whole])).code, 0);
    let sent = false; // A second one would end the process at once.
    const interrupted = await runCommand("train", [...args, "--out", cut], (stdout, kill) => {
      if (sent || !stdout.includes("epoch 1/3")) return;
      sent = true;
      kill("SIGINT");
    });
    assert.equal(interrupted.code, 130);
    assert.match(
      interrupted.stderr,
      /^interrupted after step \d+ of 12; npx tsx supcon\/train.ts --resume .* goes on\n$/,
    );

    sent = false;
    const inStage2 = await runCommand("train", ["--resume", cut], (stdout, kill) => {
      if (sent || !stdout.includes("evaluating")) return;
      sent = true;
      kill("SIGINT");
    });
    assert.equal(inStage2.code, 130);
    assert.match(
      inStage2.stderr,
      /^interrupted in stage 2, of which nothing is kept; npx tsx supcon\/train.ts --resume .* begins it again\n$/,
    );

    const resumed = await runCommand("train", ["--resume", cut]);
    assert.deepEqual({ code: resumed.code, stderr: resumed.stderr }, { code: 0, stderr: "" });
    assert.match(resumed.stdout, /^resumed +after step \d+ of 12$/m);
    const state = (path: string) => {
      const { model, training, position } = readCheckpoint(join(path, "checkpoint.safetensors"));
      return { model, training, position };
    };
    assert.deepEqual(state(cut), state(whole));
    const metrics = (path: string) =>
      readFileSync(join(path, "metrics.csv"), "utf8").split("\n").map((line) => line.split(",").slice(0, 4)); // prettier-ignore
    assert.deepEqual(metrics(cut), metrics(whole));
    const accuracies = (path: string) => {
      const { linearTop1, knnTop1, loss } = readJson(path, "result.json");
      return { linearTop1, knnTop1, loss };
    };
    assert.deepEqual(accuracies(cut), accuracies(whole));
  });

  const refused: [name: string, args: () => string[], message: RegExp][] = [
    ["a run that is done", () => ["--resume", whole], /--resume: expected a run that was interrupted, got .*, which is done/], // prettier-ignore
    [
      "other options",
      () => ["--resume", whole, "--epochs", "4"],
      /--resume: expected no other option, got --epochs/,
    ],
    ["no run", () => ["--resume", join(folder, "none")], /none\/config.json: expected a file of options, got none \(ENOENT/], // prettier-ignore
    [
      "a damaged checkpoint",
      () => {
        rmSync(join(cut, "result.json"));
        writeFileSync(join(cut, "checkpoint.safetensors"), "half a file");
        return ["--resume", cut];
      },
      /checkpoint.safetensors: expected a header/,
    ],
  ];
  for (const [name, argsOf, message] of refused) {
    it(`refuses to resume ${name}`, async () => {
      const { code, stdout, stderr } = await runCommand("train", argsOf());
      assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
      assert.match(stderr, message);
      assert.equal(stderr.split("\n").length, 2, stderr);
    });
  }
});
