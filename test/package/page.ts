/** The package as a web page gets it: bundled for browsers, and run where nothing of Node is. */
import { format } from "node:util";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** A bundle, minified, and how many bytes it takes. */
export interface Bundle {
  /** A script that makes the exports of the entry fields of the global `spheregrad`. */
  readonly script: string;
  /** The files that it was made of. */
  readonly files: readonly string[];
  readonly minified: number;
  readonly gzipped: number;
}

/** Bundles what the entry, a module of the project in `folder`, exports. Throws if a browser would not find an import. */
export async function bundle(folder: string, entry: string): Promise<Bundle> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: folder,
    stdin: { contents: entry, resolveDir: folder },
    bundle: true,
    minify: true,
    platform: "browser",
    format: "iife",
    globalName: "spheregrad",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const script = outputFiles.map(({ text }) => text).join("");
  const gzipped = gzipSync(script, { level: 9 }).byteLength;
  return { script, files: Object.keys(metafile.inputs), minified: Buffer.byteLength(script), gzipped };
}

/**
 * Loads a bundle and then runs a module that imports from "spheregrad"; what the module prints. The page has the
 * language, WebAssembly, TextEncoder, a console and four cores, but no SharedArrayBuffer: it is not isolated.
 */
export async function runOnPage(script: string, module: string): Promise<string[]> {
  const printed: string[] = [];
  const log = (...values: unknown[]): void => void printed.push(format(...values));
  const page = createContext({ console: { log }, navigator: { hardwareConcurrency: 4 }, TextEncoder });
  runInContext("delete globalThis.SharedArrayBuffer", page);
  runInContext(script, page);
  const body = module.replace(/^import (\{.*\}) from "spheregrad";$/m, "const $1 = spheregrad;");
  await runInContext(`(async () => { ${body} })()`, page);
  return printed;
}
