import { SpheregradError } from "../../engine/errors.ts";

/** The work was told to stop, and has left its state behind. */
export class InterruptedError extends SpheregradError {}

/** Listens for Ctrl-C until it is disposed. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

/** Ctrl-C reaches all processes of a terminal, and tsx passes it on once more: such an echo is no second wish. */
const echoMilliseconds = 1000;

/**
 * Makes SIGINT and SIGTERM a polite request: the first aborts the signal, so that work can end in order. A later one ends
 * the process at once, as without us.
 */
export function interruption(): Interruption {
  const controller = new AbortController();
  let first = Infinity;
  const onSignal = () => {
    first = Math.min(first, performance.now());
    controller.abort();
    if (performance.now() - first > echoMilliseconds) process.exit(130);
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, onSignal);
  const stop = () => {
    // The echo may still come while the process ends.
    if (!controller.signal.aborted) for (const signal of signals) process.off(signal, onSignal);
  };
  return { signal: controller.signal, [Symbol.dispose]: stop };
}
