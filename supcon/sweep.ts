/** `npx tsx supcon/sweep.ts`: the same training with several options and seeds, side by side. `--help` tells more. */
import { isWatchedByTsx, runApart } from "./commands/apart.ts";

if (isWatchedByTsx) {
  await runApart();
} else {
  // On demand, so that a process that only waits starts at once.
  const [{ main }, { parseSweepCommand, sweep }] = await Promise.all([
    import("./commands/main.ts"),
    import("./commands/sweep.ts"),
  ]);
  await main(() => sweep(parseSweepCommand(process.argv.slice(2))));
}
