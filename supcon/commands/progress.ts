import { Presets, SingleBar } from "cli-progress";
import type { EpochReport, StepReport } from "./pretrain-options.ts";

/** Tells how the training goes on. */
export interface Progress {
  onStep(report: StepReport): void;
  onEpoch(report: EpochReport): void;
  stop(): void;
}

/** What the progress is of. */
export interface ProgressOptions {
  /** In all. */
  readonly steps: number;
  readonly epochs: number;
  readonly viewsPerStep: number;
  /** Steps that an earlier run has done. */
  readonly done: number;
}

/** A bar on a terminal, else one line for each epoch. */
export function progress(options: ProgressOptions): Progress {
  return process.stdout.isTTY ? new Bar(options) : new Lines(options.epochs);
}

/** A bar on stdout, if that is a terminal. Its cursor is not hidden: nobody would bring it back after Ctrl-C. */
export const barOf = (format: string): SingleBar =>
  new SingleBar(
    { format, stream: process.stdout, etaBuffer: 50, barsize: 30, noTTYOutput: false },
    Presets.shades_classic,
  );

/** Steps over which loss and speed are averaged. */
const WINDOW = 20;

class Bar implements Progress {
  readonly #bar: SingleBar;
  readonly #epochs: number;
  readonly #viewsPerStep: number;
  readonly #recent: { readonly loss: number; readonly at: number }[] = [];

  constructor({ steps, epochs, viewsPerStep, done }: ProgressOptions) {
    this.#bar = barOf("epoch {epoch} |{bar}| loss {loss} | {speed} images/s | {eta_formatted} left");
    this.#epochs = epochs;
    this.#viewsPerStep = viewsPerStep;
    this.#bar.start(steps, done, {
      epoch: `${Math.min(epochs, Math.floor((done / steps) * epochs) + 1)}/${epochs}`,
      loss: "-",
      speed: "-",
    });
  }

  onStep({ step, epoch, loss }: StepReport): void {
    const recent = this.#recent;
    recent.push({ loss, at: performance.now() });
    if (recent.length > WINDOW) recent.shift();
    const mean = recent.reduce((total, each) => total + each.loss, 0) / recent.length;
    const seconds = ((recent.at(-1)?.at ?? 0) - (recent[0]?.at ?? 0)) / 1000;
    const speed = seconds > 0 ? ((recent.length - 1) * this.#viewsPerStep) / seconds : 0;
    this.#bar.update(step, {
      epoch: `${epoch}/${this.#epochs}`,
      loss: mean.toFixed(3),
      speed: speed.toFixed(0),
    });
  }

  onEpoch({ diagnostics: { warning } }: EpochReport): void {
    // The bar says the rest.
    if (warning !== undefined) console.error(`\nwarning: ${warning}`);
  }

  stop(): void {
    this.#bar.stop();
  }
}

class Lines implements Progress {
  readonly #epochs: number;

  constructor(epochs: number) {
    this.#epochs = epochs;
  }

  onStep(): void {
    // A line for each would be too many.
  }

  onEpoch({ epoch, loss, learningRate, imagesPerSecond, seconds, diagnostics }: EpochReport): void {
    const { positiveHardness, negativeHardness, warning } = diagnostics;
    const hardness =
      positiveHardness === undefined || negativeHardness === undefined
        ? ""
        : `   hardness +${positiveHardness.toFixed(2)} -${negativeHardness.toFixed(2)}`;
    console.log(
      `epoch ${String(epoch).padStart(String(this.#epochs).length)}/${this.#epochs}   loss ${loss.toFixed(4)}   ` +
        `learning rate ${learningRate.toFixed(4)}${hardness}   ${imagesPerSecond.toFixed(0)} images/s   ${seconds.toFixed(1)} s`,
    );
    if (warning !== undefined) console.error(`warning: ${warning}`);
  }

  stop(): void {
    // Nothing to put away.
  }
}

/** Tells how far work of equal steps has come, until it is disposed. */
export interface WorkBar extends Disposable {
  step(what: string): void;
}

/** A bar on a terminal, else nothing. */
export function workBar(steps: number): WorkBar {
  const bar = barOf("|{bar}| {value}/{total} | {what} | {eta_formatted} left");
  bar.start(steps, 0, { what: "" });
  return { step: (what) => { bar.increment(1, { what }); }, [Symbol.dispose]: () => { bar.stop(); } }; // prettier-ignore
}

/** Tells for how long work goes on of which nobody knows how far it is, until it is disposed. */
export interface Stopwatch extends Disposable {
  show(what: string): void;
}

/** A line on a terminal, else nothing. */
export function stopwatch(what: string): Stopwatch {
  const bar = barOf("{what} | {duration_formatted}");
  bar.start(1, 0, { what });
  return { show: (now) => { bar.update({ what: now }); }, [Symbol.dispose]: () => { bar.stop(); } }; // prettier-ignore
}
