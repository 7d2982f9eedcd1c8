/** `npx tsx supcon/data.ts NAME`: fetches a data set and says what is in it. `--help` tells all options. */
import { data, parseDataCommand } from "./commands/data.ts";
import { main } from "./commands/main.ts";

await main(() => data(parseDataCommand(process.argv.slice(2))));
