import { transformSync } from "esbuild";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Html, html, json } from "../html.ts";
import type { HoverData } from "./data.ts";

/** hover.browser.ts as JavaScript, with what it works with. It stands at the end of the page. */
export function hoverScript(data: HoverData): Html {
  const source = readFileSync(join(import.meta.dirname, "hover.browser.ts"), "utf8");
  const { code } = transformSync(source, { loader: "ts", minify: true });
  return html`<script type="module">
    const hoverData = ${json(data)};
    ${new Html(code)};
  </script>`;
}
