/** What is shown while a data set is fetched or loaded. */
import type { SingleBar } from "cli-progress";
import type { FetchReport } from "../data/fetch.ts";
import { loadDataset } from "../data/load.ts";
import type { LoadOptions } from "../data/load.ts";
import { barOf, stopwatch } from "./progress.ts";

/** A bar or a stopwatch on a terminal, else a line where something new begins; until it is disposed. */
export function fetchReport(): FetchReport & Disposable {
  let [bar, current]: [SingleBar | undefined, string] = [undefined, ""];
  const stop = (): void => {
    bar?.stop();
    [bar, current] = [undefined, ""];
  };
  const announce = (what: string): void => {
    stop();
    if (!process.stdout.isTTY) console.log(`${what} ...`);
  };
  return {
    [Symbol.dispose]: stop,
    say: (text) => {
      stop();
      console.log(text);
    },
    progress: (what, done, total) => {
      if (what !== current) {
        announce(what);
        current = what;
        bar = barOf("{what} |{bar}| {percentage} % | {eta_formatted} left");
        bar.start(total, done, { what });
      }
      bar?.update(done);
    },
    during: async (what, work) => {
      announce(what);
      const shown = stopwatch(what);
      try {
        return await work;
      } finally {
        shown[Symbol.dispose]();
      }
    },
  };
}

/** Loads a data set, and shows how far it is where images are decoded. Throws as `loadDataset` does. */
export async function loadShowing(data: string, options: Omit<LoadOptions, "onProgress">) {
  using report = fetchReport();
  const onProgress = (done: number, total: number): void => { report.progress("images decoded", done, total); }; // prettier-ignore
  return await loadDataset(data, { ...options, onProgress });
}
