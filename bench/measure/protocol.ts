/** What the parent asks the process of a library, and what it is told. */
import type { Profile, Start } from "../peers/library.ts";
import type { PeerName } from "../peers/peers.ts";
import type { Problem } from "../problems/problem.ts";
import type { Ceilings } from "../report/report.ts";

export type Question =
  | { readonly kind: "open"; readonly peer: PeerName; readonly start: Start }
  /** Makes the problem the one that is timed, and does it once. */
  | { readonly kind: "prepare"; readonly problem: Problem }
  | { readonly kind: "batch"; readonly milliseconds: number }
  /** Times the kernels of so many runs, and sets them beside the ceilings. */
  | {
      readonly kind: "profile";
      readonly problem: Problem;
      readonly runs: number;
      readonly ceilings: Ceilings;
    }
  | { readonly kind: "finish" };

export interface Opened {
  readonly kind: "opened";
  readonly description: string;
}

export interface Prepared {
  readonly kind: "prepared";
  readonly outputs: readonly Float32Array[];
  /** Of the first call, which compiles. */
  readonly firstMilliseconds: number;
  readonly amount: number | undefined;
  readonly description: string;
}

export interface Timed {
  readonly kind: "timed";
  /** Median of the calls of a batch. */
  readonly milliseconds: number;
  readonly samples: number;
  readonly extraBytes: number | undefined;
}

export interface Refused {
  readonly kind: "refused";
  readonly reason: string;
  /** Not that the library cannot do it, but that something broke. */
  readonly isBug: boolean;
}

export interface Profiled extends Profile {
  readonly kind: "profiled";
}

export type Answer = Opened | Prepared | Timed | Profiled | Refused | { readonly kind: "finished" };
