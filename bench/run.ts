/** `npm run bench`: how fast this library is, beside others and beside what the machine can do. `--help` tells all. */
import { main } from "../supcon/commands/main.ts";
import { bench } from "./commands/bench.ts";
import { parseBenchCommand } from "./commands/options.ts";

await main(() => bench(parseBenchCommand(process.argv.slice(2))));
