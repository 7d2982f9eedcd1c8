/** The page's script: runs the program on every backend that a browser has, and posts to the server what came out. */
import { init } from "../../index.ts";
import type { InitOptions } from "../../index.ts";
import { runProgram } from "./program.ts";
import type { Findings } from "./program.ts";

/** What a backend found, and how it describes itself. */
export interface Report {
  readonly description: string;
  readonly findings: Findings;
}

async function report(options: InitOptions): Promise<Report> {
  const backend = await init(options);
  const findings = await runProgram();
  const description = backend.describe();
  await backend.destroy();
  return { description, findings };
}

async function reports(): Promise<Report[]> {
  return [
    await report({ backend: "cpu", threads: 1 }),
    await report({ backend: "cpu", threads: 2 }),
    await report({ backend: "webgpu" }),
    await report({ backend: "gpujs" }),
  ];
}

const answer = await reports().catch((error: unknown) => ({ error: String(error) }));
await fetch("/reports", { method: "POST", body: JSON.stringify(answer) });
