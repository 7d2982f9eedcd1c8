import { DataError } from "../../supcon/data/dataset.ts";

/** What assert.throws and assert.rejects take for an error of a kind whose message is one line and like the pattern. */
export const refusal =
  (pattern: RegExp, kind: abstract new (...args: never[]) => Error = DataError) =>
  (error: unknown): boolean =>
    error instanceof kind && pattern.test(error.message) && !error.message.includes("\n");
