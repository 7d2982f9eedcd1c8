/** `npm run bench`: how fast this library is, beside others and beside what the machine can do. `--help` tells all. */
import { isWatchedByTsx, runApart } from "../supcon/commands/apart.ts";

if (isWatchedByTsx) {
  await runApart();
} else {
  // On demand, so that a process that only waits starts at once.
  const [{ main }, { parseBenchCommand }, { bench }] = await Promise.all([
    import("../supcon/commands/main.ts"),
    import("./commands/options.ts"),
    import("./commands/bench.ts"),
  ]);
  await main(() => bench(parseBenchCommand(process.argv.slice(2))));
}
