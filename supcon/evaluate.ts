/** `npx tsx supcon/evaluate.ts RUN`: everything that a finished run can be judged by. `--help` tells all options. */
import { parseEvaluateCommand } from "./commands/evaluate-command-line.ts";
import { evaluate } from "./commands/evaluate.ts";
import { main } from "./commands/main.ts";

await main(() => evaluate(parseEvaluateCommand(process.argv.slice(2))));
