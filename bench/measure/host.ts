/**
 * The program of a process in which one library runs, asked by the parent over IPC: so that libraries which want the same
 * globals, or change them, do not meet.
 */
import { setTimeout } from "node:timers/promises";
import { Bench } from "tinybench";
import { Unable } from "../peers/library.ts";
import type { Job, Library } from "../peers/library.ts";
import { openPeer } from "../peers/peers.ts";
import type { Answer, Question } from "./protocol.ts";

let library: Library | undefined;
let job: Job | undefined;

async function answer(question: Question): Promise<Answer> {
  switch (question.kind) {
    case "open":
      library = await openPeer(question.peer, question.start);
      return { kind: "opened", description: library.describe() };
    case "prepare": {
      job?.dispose();
      job = undefined;
      if (!library) throw new Error("expected an open library");
      job = await library.job(question.problem);
      const start = performance.now();
      const outputs = await job.outputs();
      const firstMilliseconds = performance.now() - start;
      return {
        kind: "prepared",
        outputs,
        firstMilliseconds,
        amount: job.amount,
        description: job.describe?.() ?? library.describe(),
      };
    }
    case "batch": {
      if (!job) throw new Error("its process has ended since its first call");
      const timed = await time(job, question.milliseconds);
      const extraBytes = job.extraBytes?.();
      await idle();
      return { kind: "timed", ...timed, extraBytes };
    }
    case "profile":
      job?.dispose();
      job = undefined;
      if (!library?.profile) throw new Unable("cannot time its kernels");
      return {
        kind: "profiled",
        ...(await library.profile(question.problem, question.runs, question.ceilings)),
      };
    case "finish":
      job?.dispose();
      job = undefined;
      return { kind: "finished" };
  }
}

/** Runs the job again and again for so long, at least once. */
async function time({ run }: Job, milliseconds: number) {
  // Asynchronous is what all are told to be: tinybench would find out by a call, which may take a minute.
  const bench = new Bench({ time: milliseconds, iterations: 1, warmup: false, throws: true });
  bench.add("job", run, { async: true });
  const [task] = await bench.run();
  if (task?.result.state !== "completed") {
    throw new Error(`expected a completed run, got ${task?.result.state ?? "none"}`);
  }
  return { milliseconds: task.result.latency.p50, samples: task.result.latency.samplesCount };
}

/** Milliseconds for which a process is watched: processor time may be told in ticks of a clock, of 4 as a rule. */
const GLANCE = 10;

/** Processors that an idle process uses at most: it wakes up to watch itself. */
const IDLE = 0.2;

/**
 * Resolves when the threads of this process are idle, or after a second: those of ONNX Runtime go on looking for work for
 * 30 ms after a call, on the cores of whoever has the next turn.
 */
async function idle(): Promise<void> {
  const start = performance.now();
  for (let busy = true; busy && performance.now() < start + 1000;) {
    const [before, from] = [process.cpuUsage(), performance.now()];
    await setTimeout(GLANCE);
    const { user, system } = process.cpuUsage(before);
    busy = user + system > 1000 * IDLE * (performance.now() - from);
  }
}

process.on("message", (question: Question) => {
  answer(question)
    .catch((error: unknown): Answer => ({
      kind: "refused",
      reason: reasonOf(error),
      isBug: !(error instanceof Unable),
    }))
    .then((reply) => process.send?.(reply))
    .catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
});

// Ctrl-C reaches all processes of a terminal: the parent ends this one, when it has told what it knows.
process.on("SIGINT", () => undefined);
// The parent is gone.
process.on("disconnect", () => process.exit());

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n", 1)[0] ?? message;
}
