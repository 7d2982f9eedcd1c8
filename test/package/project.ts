/** The package as its users get it: packed, and installed into an empty project. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The clone. */
export const root = join(import.meta.dirname, "..", "..");

/** Runs a program in a folder; what it printed. Rejects, with all that it said, if it fails. */
export function run(folder: string, program: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: folder }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

/** What `npm pack --json` tells of a package. */
interface Packed {
  readonly filename: string;
  /** Bytes of the tarball, and of the files in it. */
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** A project in a temporary folder that depends on the package and on nothing else. */
export class Project {
  readonly folder: string;
  readonly packed: Packed;

  private constructor(folder: string, packed: Packed) {
    this.folder = folder;
    this.packed = packed;
  }

  /** Packs the clone, which builds it, and installs the tarball. */
  static async create(): Promise<Project> {
    const folder = mkdtempSync(join(tmpdir(), "spheregrad-package-"));
    // What an earlier build may have left and this one must not ship.
    mkdirSync(join(root, "dist"), { recursive: true });
    writeFileSync(join(root, "dist", "stale.js"), "");
    const report = await run(root, "npm", "pack", "--json", "--silent", "--pack-destination", folder);
    const [packed] = JSON.parse(report) as readonly Packed[];
    if (!packed) throw new Error(`npm pack: expected a package, got ${report}`);
    const project = new Project(folder, packed);
    project.write("package.json", JSON.stringify({ private: true, type: "module" }));
    // No install scripts: the package has none, and all that webgpu's does is to lift the quarantine of macOS.
    await run(folder, "npm", "install", "--ignore-scripts", "--prefer-offline", `./${packed.filename}`);
    return project;
  }

  /** Writes a file of the project. */
  write(name: string, content: string): void {
    writeFileSync(join(this.folder, name), content);
  }
}

/** Runs a module with plain Node as if it stood in a folder; the lines that it prints. */
export async function runModule(folder: string, module: string): Promise<string[]> {
  const printed = await run(folder, process.execPath, "--input-type=module", "--eval", module);
  return printed.trimEnd().split("\n");
}
