/** What docs/supcon.md says of the code: where it is, what it is, and the numbers that come out of it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { useReference } from "../kernels/helpers.ts";
import { given, ofClosedForms, ofDescents, ofOptions, ofPositives, ofTemperature } from "./numbers.ts";
import { blocks, folder, headings, links, prose, quotes, read, root } from "./page.ts";

describe("docs/supcon.md", () => {
  before(useReference);

  it("links to what exists, and names what is exported there, or tested", () => {
    assert.ok(links.length > 40, `only ${links.length} links found`);
    for (const { text, target } of links) {
      if (target.startsWith("https://")) continue;
      if (target.startsWith("#")) {
        assert.ok(headings.includes(target.slice(1)), `no heading ${target}`);
        continue;
      }
      assert.ok(existsSync(join(folder, target)), `no file ${target}`);
      if (!target.endsWith(".ts")) continue;
      const source = read("docs", target);
      for (const [, name = ""] of text.matchAll(/`([^`]+)`/g)) {
        const declaration = `^export (?:async )?(?:const|function|class|interface|type) ${name}\\b`;
        assert.ok(new RegExp(declaration, "m").test(source), `${target} exports no ${name}`);
      }
      if (target.endsWith(".test.ts")) assert.ok(source.includes(text), `${target} has no test "${text}"`);
    }
  });

  it("quotes lines that are in the files", () => {
    assert.equal(quotes.length, blocks, "a block of code begins with the name of its file");
    for (const { file, lines } of quotes) {
      const source = read(file).split("\n").map((line) => line.trim()); // prettier-ignore
      for (const line of lines) assert.ok(source.includes(line), `${file} has no line ${line}`);
    }
  });

  it("has an example that prints what its comments say", () => {
    const tsx = fileURLToPath(import.meta.resolve("tsx/cli"));
    const printed = execFileSync(process.execPath, [tsx, join("docs", "example.ts")], { cwd: root });
    const promised = Array.from(
      read("docs", "example.ts").matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm),
      ([, line = ""]) => `${line}\n`,
    );
    assert.ok(promised.length > 3, `only ${promised.length} lines promised`);
    assert.equal(printed.toString(), promised.join(""));
  });

  it("states the numbers that come out of the code, and no others", async () => {
    const computed = await Promise.all([ofTemperature(), ofPositives(), ofDescents(), ofOptions()]);
    const sentences = [...computed.flat(), ...ofClosedForms(), ...given];
    for (const sentence of sentences)
      assert.ok(prose.includes(sentence), `expected the page to say: ${sentence}`);
    const rest = sentences.reduce((text, sentence) => text.replaceAll(sentence, ""), prose);
    assert.deepEqual(rest.match(/.{0,40}\d\.\d.{0,20}/g) ?? [], []);
  });
});
