/** `npx tsx supcon/report.ts RUN`: report.html, all pictures of a run in one file. */
import { parseReportCommand, report } from "./commands/html-report.ts";
import { main } from "./commands/main.ts";

await main(() => report(parseReportCommand(process.argv.slice(2))));
