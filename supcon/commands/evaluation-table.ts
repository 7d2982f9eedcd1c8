/** evaluation.json as text. */
import { formatColumns } from "../../engine/columns.ts";
import { classifiersOf, optimizerOf } from "../report/classifiers.ts";
import type { Classified } from "../report/classifiers.ts";
import { count, percent } from "../report/format.ts";
import type { CorruptionReport, Evaluation, Judged } from "../run/evaluation.ts";

const seconds = (x: number): string => `${x.toFixed(1)} s`;

/** Tables of all that was found. */
export function formatEvaluation(evaluation: Evaluation): string {
  const { corruptions, transfer = {} } = evaluation;
  return [
    formatJudged(evaluation),
    formatClasses(evaluation),
    ...(corruptions ? [formatCorruptions(corruptions, optimizerOf(evaluation.linear))] : []),
    ...Object.values(transfer).map((each) => `transfer to ${formatJudged(each)}`),
  ]
    .map((table) => `\n${table}`)
    .join("\n");
}

/** A line for each classifier. */
function formatJudged(evaluation: Classified): string {
  const { data, trainImages, testImages } = evaluation;
  const lines = classifiersOf(evaluation).map(({ name, top1, top5, ece, seconds: time }) => [
    ...[name, percent(top1), percent(top5)],
    ...[ece === undefined ? "" : ece.toFixed(4), seconds(time)],
  ]);
  return `${data}: ${count(trainImages)} training images, ${count(testImages)} test images
${formatColumns([["classifier", "top-1", "top-5", "ECE", "time"], ...lines], 1)}`;
}

/** At most so many classes are listed. */
const listed = 10;

/** Classes from the least accurate on, and for what each is mistaken most often. */
function formatClasses({ classes, perClass, confusion, linear }: Judged): string {
  const rows = perClass.flatMap((accuracy, c) => {
    if (accuracy === null) return [];
    const mistakes = (confusion[c] ?? []).map((times, other) => (other === c ? 0 : times));
    const most = Math.max(...mistakes);
    const taken = most > 0 ? `${classes[mistakes.indexOf(most)] ?? ""} (${most})` : "";
    return [{ accuracy, cells: [classes[c] ?? "", percent(accuracy), taken] }];
  });
  const sorted = rows.sort((a, b) => a.accuracy - b.accuracy).slice(0, listed);
  return `classes, least accurate first (linear, ${optimizerOf(linear)})
${formatColumns([["class", "accuracy", "mistaken for"], ...sorted.map(({ cells }) => cells)], 1)}`;
}

/** A line for each corruption. */
function formatCorruptions(report: CorruptionReport, optimizer: string): string {
  const { images, clean, byName, meanError, meanIncrease, bySeverity, seconds: time, comparison } = report;
  const cells = (values: readonly number[]) => values.map((value) => (100 * value).toFixed(1));
  const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
  const lines = Object.entries(byName).map(([name, { errors, extra, nonStandard }]) => [
    `${name}${nonStandard === undefined ? "" : " (non-standard)"}${extra ? " (extra)" : ""}`,
    ...cells(errors),
    ...cells([mean(errors)]),
  ]);
  const ece = bySeverity.ece.map((value) => value.toFixed(3));
  const notes = Object.entries(byName).flatMap(([name, { nonStandard }]) =>
    nonStandard === undefined ? [] : [`${name} is non-standard: ${nonStandard}`],
  );
  return `errors in % on ${count(images)} damaged test images (linear, ${optimizer}; ${percent(clean.error)} without damage, ECE ${clean.ece.toFixed(3)}; ${seconds(time)})
${formatColumns(
  [
    ["severity", "1", "2", "3", "4", "5", "mean"],
    ...lines,
    ["mean, without extra", ...cells(bySeverity.top1.map((x) => 1 - x)), ...cells([meanError])],
    ["ECE, without extra", ...ece, mean(bySeverity.ece).toFixed(3)],
  ],
  1,
)}
${[...notes, `mean error exceeds that without damage by ${percent(meanIncrease)}`, ...(comparison ? [formatComparison(comparison)] : [])].join("\n")}`;
}

function formatComparison({
  baseline,
  mce,
  relativeMce,
  relativeOver,
}: NonNullable<CorruptionReport["comparison"]>): string {
  const relative = relativeMce === null ? "none" : `${percent(relativeMce)} (over ${relativeOver} corruptions)`; // prettier-ignore
  return `against ${baseline}: mCE ${percent(mce)}, relative mCE ${relative}; below 100 % is better`;
}
