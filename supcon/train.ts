/** `npx tsx supcon/train.ts`: supervised contrastive training, from images to accuracies. `--help` tells all options. */
import { isWatchedByTsx, runApart } from "./commands/apart.ts";

if (isWatchedByTsx) {
  await runApart();
} else {
  // On demand, so that a process that only waits starts at once.
  const [{ main }, { parseTrainCommand }, { train }] = await Promise.all([
    import("./commands/main.ts"),
    import("./commands/options.ts"),
    import("./commands/train.ts"),
  ]);
  await main(() => train(parseTrainCommand(process.argv.slice(2))));
}
