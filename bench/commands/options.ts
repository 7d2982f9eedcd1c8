import { statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { ValueError } from "../../engine/errors.ts";
import { newCommand } from "../../supcon/commands/command.ts";
import { integer } from "../../supcon/commands/parsers.ts";
import { isPeerName, peers } from "../peers/peers.ts";
import type { PeerName } from "../peers/peers.ts";
import type { Row } from "../suite/row.ts";
import { rowsOf, topicNames } from "../suite/suite.ts";

const others = Object.keys(peers).filter(isPeerName).filter((name) => name !== "spheregrad"); // prettier-ignore

const about = `How fast spheregrad is on this machine, beside other libraries of JavaScript and
beside what the machine can do.

Each library runs in a process of its own. In each row all do the same problem
on the same inputs, results are compared, and then they are timed in turns: a
batch of calls each, round after round, so that what disturbs the machine
disturbs all alike. The ceiling (multiply-adds in the micro-kernel of our matrix
products, or copying memory) is timed in the same turns. A full run goes through
all rows three times, so that what lasts minutes shows.

Other libraries are installed once, and only here:
  npm ci --ignore-scripts --prefix bench`;

const examples = `
Examples:
  npm run bench                                      all rows: under 25 minutes
  npm run bench -- --quick                           the most telling rows: under 2
  npm run bench -- --filter conv --peers none        ours alone, convolutions
  npm run bench -- --filter "matmul 512" --peers tfjs,onnxruntime-node
  npm run bench -- --backend webgpu --quick
  npm run bench -- --filter training --profile       where a step's time goes
  npx tsx bench/compare.ts A/bench.json B/bench.json two runs, row by row

How to read the table: time is the median of the rounds, in each of which a
library's time is the median of a batch. "of ceiling" is the share of what the
machine did in the same rounds, "2.1x ours" a library's time as a multiple of
ours: above 1 we are faster. Spread is how far from the ratio, or else from the
share of the ceiling, that of other rounds may lie (95 % interval of the
median, where there are 6 rounds for one); above 5 %, two runs may well differ
by 10 %, and the row is marked noisy, as it is of fewer than 6 rounds, and so in
all quick runs. bench/README.md tells what makes benchmarks lie.

The folder gets bench.json (everything) and bench.html (roofline and bars).
Exit codes: 0 done, 1 failed, 2 bad usage, 130 interrupted (what was measured is
written all the same).`;

function peerList(text: string): PeerName[] {
  if (text === "none") return [];
  return text.split(",").map((name) => {
    if (isPeerName(name)) return name;
    throw new InvalidArgumentError(`Expected none, or some of ${others.join(",")}.`);
  });
}

// prettier-ignore
const commandLine = () =>
  newCommand("npm run bench --", about)
    .addHelpText("after", examples)
    .option("--filter <text>", `rows with this in their topic (${topicNames.join(", ")}) or name`, "")
    .addOption(new Option("--backend <name>", "ours, and the others of its kind").choices(["cpu", "webgpu"] as const).default("cpu" as const))
    .option("--threads <n>", "threads of ours, and of those who have any", integer(1, 1024), availableParallelism())
    .option("--peers <names>", `none, or some of ${others.join(",")} (default: all)`, peerList)
    .option("--quick", "few rows, few rounds, and nobody is waited for", false)
    .option("--profile", "times our kernels: for each row a table of calls, time, speed and share of the ceiling, and a trace for a browser's tracing view", false)
    .option("--out <dir>", "folder for results (default: runs/bench- and the time)");

/** What a run of the benchmarks is to be. */
export interface BenchOptions {
  readonly filter: string;
  readonly backend: "cpu" | "webgpu";
  readonly threads: number;
  readonly peers: readonly PeerName[];
  readonly quick: boolean;
  readonly profile: boolean;
  readonly out: string;
  readonly rows: readonly Row[];
  /** As it was typed. */
  readonly command: string;
}

/**
 * Reads the command line (without node and script). Throws commander's CommanderError for what it refuses, and where help
 * was asked for; ValueError for a filter that no row has, and for a file as folder.
 */
export function parseBenchCommand(args: readonly string[]): BenchOptions {
  const command = commandLine();
  command.parse([...args], { from: "user" });
  const { peers: wanted = others, out, ...options } = command.opts();
  const rows = rowsOf(options, options.filter, options.quick);
  if (rows.length === 0) {
    const quick = options.quick ? " of a quick run" : "";
    const topics = [...new Set(rowsOf(options, "", options.quick).map(({ topic }) => topic))];
    throw new ValueError(
      `--filter: expected text in a topic${quick} (${topics.join(", ")}) or in a row's name, got ${JSON.stringify(options.filter)}`,
    );
  }
  if (out !== undefined && statSync(out, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new ValueError(`--out: expected a folder, new or not, got the file ${out}`);
  }
  const time = new Date().toISOString().replaceAll(":", "-").slice(0, 19);
  return {
    ...options,
    ...{ peers: wanted, rows, out: out ?? `runs/bench-${time}` },
    command: ["npm run bench --", ...args].join(" "),
  };
}
