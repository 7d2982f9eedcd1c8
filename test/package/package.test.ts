import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { bundle, runOnPage } from "./page.ts";
import { Project, root, run, runModule } from "./project.ts";
import { checkSizes, examples, promised } from "./readme.ts";

const [gradient = "", silu = ""] = examples;

let project: Project;
before(async () => { project = await Project.create(); }); // prettier-ignore
after(() => { rmSync(project.folder, { recursive: true }); }); // prettier-ignore

describe("the package", () => {
  it("holds JavaScript with its types, the README and the licence, and nothing stale", (test) => {
    const paths = project.packed.files.map(({ path }) => path);
    const isCode = (path: string): boolean => /^dist\/(index\.|(engine|kernels|nn|supcon)\/).*(js|d\.ts)$/.test(path); // prettier-ignore
    const others = paths.filter((path) => !isCode(path));
    assert.deepEqual(others.sort(), ["LICENSE", "README.md", "dist/package.json", "package.json"]);
    const names = (suffix: string): string[] =>
      paths.flatMap((path) => (path.endsWith(suffix) ? [path.slice(0, -suffix.length)] : [])).sort();
    assert.deepEqual(names(".d.ts"), names(".js"));
    assert.deepEqual(names(".js").filter((name) => name.startsWith("dist/supcon/commands/")), []); // prettier-ignore
    test.diagnostic(checkSizes("the package", project.packed.unpackedSize, project.packed.size));
  });

  it("brings webgpu and nothing else", async () => {
    const paths = (await run(project.folder, "npm", "ls", "--depth=1", "--parseable")).trim().split("\n");
    const installed = paths.map((path) => path.slice(project.folder.length));
    assert.deepEqual(installed.sort(), ["", "/node_modules/spheregrad", "/node_modules/webgpu"]);
  });

  it("runs the README's examples with plain Node", async () => {
    assert.equal(examples.length, 2);
    assert.equal(promised(gradient).length, 2);
    assert.deepEqual(await runModule(project.folder, gradient), promised(gradient));
    const call = `import { init, tensor } from "spheregrad"; await init(); console.log(await silu(tensor(0)).item());`;
    assert.deepEqual(await runModule(project.folder, silu + call), ["0"]);
  });

  it("runs them in the clone, which finds its own dist by name", async () => {
    assert.deepEqual(await runModule(root, gradient), promised(gradient));
  });

  it("starts the threads of the cpu backend", async () => {
    const module = `
      import { init, matmul, ones } from "spheregrad";
      const backend = await init({ backend: "cpu", threads: 2 });
      const product = await matmul(ones([200, 100]), ones([100, 200])).data();
      console.log(backend.describe(), product.every((x) => x === 100));`;
    const [line = ""] = await runModule(project.folder, module);
    assert.match(line, /^cpu: .*\b2 threads.* true$/);
  });

  const resolutions = { NodeNext: "NodeNext", Bundler: "ESNext" };
  for (const [moduleResolution, module] of Object.entries(resolutions)) {
    it(`has types for moduleResolution ${moduleResolution}`, async () => {
      const users = {
        "gradient.ts": gradient,
        "silu.ts": silu,
        "all.ts": `
          import { Random, tensor } from "spheregrad";
          import type { Tensor } from "spheregrad";
          import { Linear } from "spheregrad/nn";
          import { supConLoss } from "spheregrad/supcon";
          using y: Tensor = new Linear(2, 1, { random: new Random(1) }).forward(tensor([[1, 2]]));
          supConLoss(y, [0], { temperature: 0.1 });
          // @ts-expect-error A tensor is no number.
          export const wrong: number = tensor(1);`,
      };
      for (const [name, code] of Object.entries(users)) project.write(name, code);
      // The declarations of the package are checked too, those of the language not.
      const checks = {
        strict: true,
        skipLibCheck: false,
        skipDefaultLibCheck: true,
        types: [],
        noEmit: true,
      };
      const compilerOptions = { target: "ES2022", module, moduleResolution, ...checks };
      project.write("tsconfig.json", JSON.stringify({ compilerOptions, files: Object.keys(users) }));
      const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
      await run(project.folder, process.execPath, compiler);
    });
  }
});

describe("the package on a web page", () => {
  const [imports = ""] = gradient.split("\n");
  const entries = {
    "everything, bundled": `
      export * from "spheregrad";
      export * as nn from "spheregrad/nn";
      export * as supcon from "spheregrad/supcon";`,
    "the first example, bundled": imports.replace("import", "export"),
  };

  for (const [what, entry] of Object.entries(entries)) {
    it(`has ${what}: free of Node, and prints what the README says`, async (test) => {
      const { script, files, minified, gzipped } = await bundle(project.folder, entry);
      const platforms = files.filter((file) => /webgpu\/index|platform\/(node|browser)/.test(file));
      assert.deepEqual(platforms, ["node_modules/spheregrad/dist/engine/platform/browser.js"]);
      assert.equal(/["'`]node:|\brequire\(|\bprocess\./.exec(script)?.[0], undefined);
      assert.deepEqual(await runOnPage(script, gradient), promised(gradient));
      test.diagnostic(checkSizes(what, minified, gzipped));
    });
  }
});
