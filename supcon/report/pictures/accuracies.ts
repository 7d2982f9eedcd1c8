/** What the classifiers on the encoder reach, on the run's data set and on others. */
import type { Evaluation } from "../../run/evaluation.ts";
import { classifiersOf } from "../classifiers.ts";
import type { Classified } from "../classifiers.ts";
import { count, percent } from "../format.ts";
import type { Html } from "../html.ts";
import { figure, section, table } from "../page.ts";

/** A table for each data set. */
export const accuraciesSection = (evaluation: Evaluation): Html | undefined =>
  section(
    "Accuracies",
    "The encoder is frozen: all classifiers but a fine-tuned one work on the same features of the test images, which no training has seen.",
    [
      accuraciesFigure("On the run's own data", evaluation),
      ...Object.entries(evaluation.transfer ?? {}).map(([name, judged]) => accuraciesFigure(`Transfer to ${name}`, judged)), // prettier-ignore
    ],
  );

function accuraciesFigure(title: string, evaluation: Classified): Html {
  const rows = classifiersOf(evaluation).map(({ name, top1, top5, ece }) => [
    ...[name, percent(top1), percent(top5)],
    ece?.toFixed(4) ?? "",
  ]);
  const hasTop5 = evaluation.classes.length > 5;
  return figure(
    title,
    table([["classifier", "top-1", "top-5", "ECE"], ...rows].map((row) => (hasTop5 ? row : row.toSpliced(2, 1)))), // prettier-ignore
    `${count(evaluation.testImages)} test images, ${count(evaluation.trainImages)} training images. Where the classes are well apart, k-NN and the nearest class mean, which learn next to nothing, come near the linear classifier. ECE is the expected calibration error, 0 at best.`,
    "wide",
  );
}
