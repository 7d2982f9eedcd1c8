import { join } from "node:path";
import { ValueError } from "../../engine/errors.ts";
import { readEvaluation } from "../run/evaluation.ts";
import type { Evaluation } from "../run/evaluation.ts";
import { readMetrics } from "../run/metrics.ts";
import type { Metrics } from "../run/metrics.ts";
import { readResult } from "../run/result.ts";
import type { TrainResult } from "../run/result.ts";
import { readRunConfig } from "./options.ts";
import type { TrainConfig } from "./options.ts";
import { isDone, runFiles } from "./run-folder.ts";

/** What a run has told of itself. */
export interface FinishedRun {
  readonly folder: string;
  readonly config: TrainConfig;
  readonly result: TrainResult;
  readonly metrics: readonly Metrics[];
  /** Missing from runs that were not evaluated. */
  readonly evaluation: Evaluation | undefined;
}

/** The options of a run that is done. Throws ValueError for a folder that holds no run, or one that was interrupted. */
export function readFinishedConfig(who: string, folder: string): TrainConfig {
  const config = readRunConfig(folder);
  if (isDone(folder)) return config;
  throw new ValueError(
    `${who}: expected a run that is done, got ${folder}; --resume of train.ts goes on with it`,
  );
}

/** All of it. Throws as {@link readFinishedConfig} does, and ValueError for damaged files. */
export const readFinishedRun = (who: string, folder: string): FinishedRun => ({
  folder,
  config: readFinishedConfig(who, folder),
  result: readResult(folder),
  metrics: readMetrics(join(folder, runFiles.metrics)),
  evaluation: readEvaluation(folder),
});
