import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ValueError } from "../../engine/errors.ts";
import type { LinearClassifier } from "../evaluate/linear.ts";
import { atomicWrite } from "../run/atomic.ts";
import { writeCheckpoint } from "../run/checkpoint.ts";
import type { Checkpoint } from "../run/checkpoint.ts";
import { evaluationFile, writeEvaluation } from "../run/evaluation.ts";
import type { Evaluation } from "../run/evaluation.ts";
import { writeFeatures } from "../run/features.ts";
import type { RunFeatures } from "../run/features.ts";
import { writeJson } from "../run/files.ts";
import { MetricsWriter } from "../run/metrics.ts";
import type { MetricsRow } from "../run/metrics.ts";
import { resultFile } from "../run/result.ts";
import { writeTensors } from "../run/tensors.ts";
import { reasonOf } from "../reason.ts";

/** The files of a run, by what they hold. */
export const runFiles = {
  config: "config.json",
  metrics: "metrics.csv",
  result: resultFile,
  checkpoint: "checkpoint.safetensors",
  classifier: "classifier.safetensors",
  features: "features.safetensors",
  evaluation: evaluationFile,
  report: "report.html",
  trace: "trace.json",
} as const;

const columns = [
  ...(["epoch", "steps", "loss", "learningRate", "imagesPerSecond", "seconds"] as const),
  ...(["gradientNorm", "updateNorm", "lossFloor", "lossCeiling", "emptyAnchors"] as const),
  ...(["alignment", "uniformity", "positiveHardness", "negativeHardness", "neighbourAccuracy"] as const),
] as const;
type Column = (typeof columns)[number];

/** Where a run leaves what it did. Files are replaced as a whole, so that a reader never sees half of one. */
export class RunFolder implements Disposable {
  readonly path: string;
  readonly #metrics: MetricsWriter<Column>;

  private constructor(path: string, epochs: number) {
    this.path = path;
    this.#metrics = new MetricsWriter(join(path, runFiles.metrics), columns, epochs);
  }

  /** Makes the folder (default: runs/ and the time). Throws ValueError if it cannot be made or something is in it. */
  static create(path = join("runs", new Date().toISOString().slice(0, 19).replaceAll(":", "-"))): RunFolder {
    refuseUsed(path);
    try {
      mkdirSync(path, { recursive: true });
    } catch (cause) {
      throw new ValueError(`--out: expected a folder that can be made, got ${path} (${reasonOf(cause)})`, {
        cause,
      });
    }
    return new RunFolder(path, 0);
  }

  /** Opens the folder of an earlier run and keeps so many epochs of its metrics. Throws ValueError if it has not as many. */
  static reopen(path: string, epochs: number): RunFolder {
    return new RunFolder(path, epochs);
  }

  /** Writes the options and what they came to on this machine. */
  writeConfig(config: object): void {
    this.#writeJson("config", config);
  }

  /** Writes what the run has come to: from now on it is done. */
  writeResult(result: object): void {
    this.#writeJson("result", result);
  }

  /** Writes the timeline of a profile. */
  writeTrace(trace: string): void {
    atomicWrite(join(this.path, runFiles.trace), trace);
  }

  /** Adds a line to the metrics. */
  appendMetrics(row: MetricsRow<Column>): void {
    this.#metrics.append(row);
  }

  /** What the last line of the metrics has in a column; NaN where there is none. */
  lastMetric(column: Column): number {
    return this.#metrics.last(column);
  }

  /** Writes what the run needs to go on. */
  writeCheckpoint(checkpoint: Checkpoint): void {
    // A checkpoint counts on the lines before it, also after a power cut.
    this.#metrics.flush();
    writeCheckpoint(join(this.path, runFiles.checkpoint), checkpoint);
  }

  /** Writes what predictions need beside the encoder, and what the encoder was judged by. */
  async writeEvaluation(
    classifier: LinearClassifier,
    features: RunFeatures,
    evaluation: Evaluation,
  ): Promise<void> {
    const tensors = await classifier.stateDict();
    writeTensors(join(this.path, runFiles.classifier), { tensors, metadata: {} });
    writeFeatures(join(this.path, runFiles.features), features);
    writeEvaluation(this.path, evaluation);
  }

  [Symbol.dispose](): void {
    this.#metrics.close();
  }

  #writeJson(file: "config" | "result", content: object): void {
    writeJson(join(this.path, runFiles[file]), content);
  }
}

/** Throws ValueError if something is in the folder. */
export function refuseUsed(path: string): void {
  if (!existsSync(path) || readdirSync(path).length === 0) return;
  throw new ValueError(
    `--out: expected a new or empty folder, got ${path}, which has files in it; --resume goes on with a run`,
  );
}

/** Whether the run in a folder has come to its end. */
export const isDone = (path: string): boolean => existsSync(join(path, runFiles.result));
