import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { Start } from "../peers/library.ts";
import type { PeerName } from "../peers/peers.ts";
import type { Answer, Question, Refused } from "./protocol.ts";

/** For a library to start. */
const START_SECONDS = 60;

/** None outlives this process, whatever it is doing. */
const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

const refuse = (reason: string): Refused => ({ kind: "refused", reason, isBug: true });

/** A library in a process of its own. It starts when it is first asked, and anew after an error or its death. */
export class LibraryProcess {
  readonly peer: PeerName;
  readonly start: Start;
  #child: ChildProcess | undefined;
  #opening: Promise<Answer> | undefined;

  constructor(peer: PeerName, start: Start) {
    this.peer = peer;
    this.start = start;
  }

  /** Asks, and once it has started waits for the answer so many seconds at most: then the process is ended. */
  async ask(question: Question, seconds: number): Promise<Answer> {
    const opened = await this.open();
    if (opened.kind === "refused") return opened;
    const answer = await this.#send(question, seconds);
    // What it holds after an error, memory above all, is not to be the next row's.
    if (answer.kind === "refused" && answer.isBug) this.end();
    return answer;
  }

  /** Starts the process, if it does not run yet. */
  open(): Promise<Answer> {
    this.#opening ??= this.#send({ kind: "open", peer: this.peer, start: this.start }, START_SECONDS);
    return this.#opening;
  }

  /** Ends the process, whatever it is doing. */
  end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
    this.#opening = undefined;
  }

  #fork(): ChildProcess {
    const child = fork(join(import.meta.dirname, "host.ts"), {
      serialization: "advanced", // typed arrays arrive as such
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    children.add(child);
    child.once("exit", () => {
      children.delete(child);
      if (this.#child === child) this.end(); // it died by itself
    });
    return child;
  }

  #send(question: Question, seconds: number): Promise<Answer> {
    const child = (this.#child ??= this.#fork());
    return new Promise((resolve) => {
      let errors = "";
      const collect = (text: Buffer): void => { errors = (errors + text.toString()).slice(-2000); }; // prettier-ignore
      const timer = setTimeout(() => {
        done({ kind: "refused", reason: `not waited for longer than ${seconds} s`, isBug: false }, true);
      }, 1000 * seconds);
      const onMessage = (answer: Answer): void => {
        done(answer, false);
      };
      const onExit = (code: number | null, signal: string | null): void => {
        const last = errors.trim().split("\n").at(-1) ?? "";
        done(refuse(`its process ended (${signal ?? code ?? ""}) ${last}`.trim()), true);
      };
      const done = (answer: Answer, isGone: boolean): void => {
        clearTimeout(timer);
        child.off("message", onMessage).off("exit", onExit);
        child.stderr?.off("data", collect);
        if (isGone) this.end();
        resolve(answer);
      };
      child.stderr?.on("data", collect);
      child.on("message", onMessage).on("exit", onExit);
      child.send(question, (error) => {
        if (error) done(refuse(`its process cannot be asked: ${error.message}`), true);
      });
    });
  }
}
