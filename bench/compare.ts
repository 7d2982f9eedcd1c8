/** `npx tsx bench/compare.ts A.json B.json`: two runs of the benchmarks, row by row. */
import { newCommand } from "../supcon/commands/command.ts";
import { main } from "../supcon/commands/main.ts";
import { formatComparison } from "./report/compare.ts";
import { readReport } from "./report/read.ts";

const about =
  "Compares two runs of the benchmarks: ours by the share of the ceiling, other libraries by their ratio to ours, which a busier machine changes less than times. Marked are differences above 10 % that no noise explains.";

await main(() => {
  const command = newCommand("npx tsx bench/compare.ts", about)
    .argument("<A.json>", "bench.json of a run")
    .argument("<B.json>", "that of a later one");
  command.parse();
  const [a, b] = command.processedArgs;
  console.log(formatComparison(readReport(a), readReport(b)));
  return Promise.resolve();
});
