/** `npx tsx supcon/predict.ts IMAGE --run DIR`: what a trained model makes of one image. `--help` tells all options. */
import { main } from "./commands/main.ts";
import { parsePredictCommand, predict } from "./commands/predict.ts";

await main(() => predict(parsePredictCommand(process.argv.slice(2))));
