/** `npx tsx supcon/compare.ts RUN...`: finished runs side by side. `--help` tells more. */
import { compare, parseCompareCommand } from "./commands/compare.ts";
import { main } from "./commands/main.ts";

await main(() => compare(parseCompareCommand(process.argv.slice(2))));
