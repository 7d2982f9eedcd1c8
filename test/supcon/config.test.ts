/** Options from files, by the rules of the command line. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ValueError } from "../../engine/errors.ts";
import { parseTrainCommand } from "../../supcon/commands/options.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-config-"));
after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore
const file = join(folder, "config.json");
const write = (content: unknown) => {
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
};

describe("--config", () => {
  it("sets options; the command line goes before the file, the file before preset and defaults", () => {
    write({ epochs: 7, learningRate: 0.25, model: "resnet20", resolved: { backend: "cpu" } });
    const { config } = parseTrainCommand(["--config", file, "--learning-rate", "0.5"]);
    const { epochs, learningRate, model, trainImages, temperature } = config;
    assert.deepEqual(
      { epochs, learningRate, model, trainImages, temperature },
      { epochs: 7, learningRate: 0.5, model: "resnet20", trainImages: 18_000, temperature: 0.1 },
    );
  });

  it("lets a preset of the command line go before the file's options, and those go before a preset of the file", () => {
    write({ preset: "minute", trainImages: 500, epochs: 9 });
    const sizes = (...args: string[]) => {
      const { trainImages, epochs } = parseTrainCommand(["--config", file, ...args]).config;
      return { trainImages, epochs };
    };
    assert.deepEqual(sizes(), { trainImages: 500, epochs: 9 });
    assert.deepEqual(sizes("--preset", "full"), { trainImages: 18_000, epochs: 5 });
    assert.deepEqual(sizes("--preset", "full", "--epochs", "2"), { trainImages: 18_000, epochs: 2 });
  });

  it("repeats a run from what it has written down", () => {
    const { config } = parseTrainCommand(["--seed", "4", "--views", "3", "--data", "elsewhere"]);
    write(config);
    assert.deepEqual(parseTrainCommand(["--config", file]).config, config);
  });

  const refused: [name: string, content: unknown, message: RegExp][] = [
    ["an unknown option", { epohcs: 3 }, /expected options among preset, data, .*, got "epohcs"$/],
    ["an option for the command line only", { out: "x" }, /expected options among [^"]*, got "out"$/],
    ["a value out of range", { epochs: 0 }, /"epochs": 0 is invalid\. Expected an integer >= 1\.$/],
    [
      "a number in quotes",
      { epochs: "3" },
      /"epochs": "3" is invalid\. Expected a number, without quotes\.$/,
    ],
    ["a number for a text", { data: 3 }, /"data": 3 is invalid\. Expected a text\.$/],
    [
      "an unknown choice",
      { model: "vgg" },
      /"model": "vgg" is invalid\. Allowed choices are resnet8, resnet20, resnet18, .*, resnet200\.$/,
    ],
    ["a list", { epochs: [3] }, /"epochs": \[3\] is invalid\. Expected a number or a text\.$/],
    ["values that do not fit", { warmup: 9, epochs: 2 }, /--warmup: expected at most the 2 epochs, got 9$/],
    ["a warm-up of stage 2 that does not fit", { linearWarmup: 3, linearEpochs: 2 }, /--linear-warmup: expected at most the 2 epochs, got 3$/], // prettier-ignore
    ["no object", [1], /expected a JSON object of options, got \[1\]$/],
    ["no JSON", "epochs: 3", /expected JSON, got something else \(Unexpected token/],
  ];
  for (const [name, content, message] of refused) {
    it(`refuses ${name}`, () => {
      write(content);
      assert.throws(
        () => parseTrainCommand(["--config", file]),
        (error) =>
          error instanceof ValueError && message.test(error.message) && !error.message.includes("\n"),
      );
    });
  }
});
