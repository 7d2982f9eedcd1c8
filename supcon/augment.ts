/** `npx tsx supcon/augment.ts`: a picture of what a policy makes of images. `--help` tells all options. */
import { augmentSheet, parseAugmentCommand } from "./commands/augment.ts";
import { main } from "./commands/main.ts";

await main(() => augmentSheet(parseAugmentCommand(process.argv.slice(2))));
