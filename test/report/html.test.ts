import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { chart } from "../../supcon/report/chart.ts";
import { html, json } from "../../supcon/report/html.ts";
import * as Plot from "@observablehq/plot";
import { parsePage } from "./dom.ts";

describe("html", () => {
  it("escapes texts and numbers, and nothing that is HTML already", () => {
    const inner = html`<b>${"<&>"}</b>`;
    assert.equal(html`<p title="${`"'`}">${inner}${[1, inner]}${undefined}</p>`.text, '<p title="&quot;&#39;"><b>&lt;&amp;&gt;</b>1<b>&lt;&amp;&gt;</b></p>'); // prettier-ignore
  });

  it("gives back any text, in elements, attributes and scripts", () => {
    const text = fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "/", "\\", "a", "!--", "</script>", "\u2028") }); // prettier-ignore
    fc.assert(
      fc.property(text, (given) => {
        const page = parsePage(html`<html><body><p title="${given}">${given}</p><script type="x">${json([given])}</script></body></html>`.text); // prettier-ignore
        const [p, script, ...others] = page.all("body *");
        assert.deepEqual([p!.textContent, p!.getAttribute("title"), others], [given, given, []]);
        assert.deepEqual(JSON.parse(script!.textContent), [given]);
      }),
    );
  });
});

describe("chart", () => {
  it("escapes texts, and rounds positions but no text", () => {
    const marks = [Plot.text(["<script>x</script> 0.00012"], { x: [1 / 3], y: [1] })];
    const { all, texts } = parsePage(`<html><body>${chart('a "title" <i>', { marks })}</body></html>`);
    assert.equal(all("script, i").length, 0);
    assert.ok(texts("text").includes("<script>x</script> 0.00012"));
    assert.deepEqual(all("svg").map((svg) => [svg.getAttribute("role"), svg.getAttribute("aria-label")]), [["img", 'a "title" <i>']]); // prettier-ignore
    for (const { textContent } of all("style")) assert.equal(textContent, "", "styles are the page's");
  });
});
