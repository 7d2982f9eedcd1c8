/** `npx tsx supcon/export.ts --run DIR`: a trained encoder for PyTorch. `--help` tells all options. */
import { exportEncoder, parseExportCommand } from "./commands/export.ts";
import { main } from "./commands/main.ts";

await main(() => exportEncoder(parseExportCommand(process.argv.slice(2))));
