/** `npm run build`: makes `dist`, JavaScript and types for those who install the package. */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import manifest from "./package.json" with { type: "json" };

const dist = join(import.meta.dirname, "dist");
rmSync(dist, { recursive: true, force: true });

const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const project = join(import.meta.dirname, "tsconfig.build.json");
execFileSync(process.execPath, [compiler, "-p", project], { stdio: "inherit" });

// Whoever imports "#platform" asks the nearest package.json above: in a clone the one beside this file, which names
// TypeScript, in dist one of its own, which names what came of it.
const { type, sideEffects, imports } = manifest;
const nearest = JSON.stringify({ type, sideEffects, imports }, undefined, 2).replaceAll('.ts"', '.js"');
writeFileSync(join(dist, "package.json"), `${nearest}\n`);
