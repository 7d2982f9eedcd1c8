/** How a chart of Observable Plot becomes SVG text without a browser. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { Html } from "./html.ts";

declare global {
  // What is needed of the types of browsers, which this project is compiled without.
  interface SVGSVGElement {
    readonly outerHTML: string;
  }
  interface HTMLElement {
    readonly outerHTML: string;
  }
  interface Document {
    readonly body: HTMLElement;
  }
  interface Window {
    readonly document: Document;
  }
}

const { document } = parseHTML("<html><body></body></html>");

/** An SVG element in the colour of the text around it, without a background; `title` is for screen readers. */
export function chart(title: string, options: Plot.PlotOptions): string {
  const { outerHTML } = Plot.plot({ ...options, document, ariaLabel: title });
  return (
    outerHTML
      .replace(
        /(?<=^<svg [^>]*)font-size="10" font-family="[^"]*"/,
        'font-size="13" font-family="sans-serif"',
      )
      .replace("<svg ", '<svg role="img" ')
      // The same for all charts of a page: see style.ts.
      .replace(/<style>.*?<\/style>/s, "")
      // Positions to a hundredth of a pixel; what is written stays.
      .replaceAll(/<[^>]+>/g, (tag) => tag.replaceAll(/-?\d+\.\d{3,}/g, hundredth))
  );
}

const hundredth = (digits: string): string => String(Number(Number(digits).toFixed(2)));

/** The same as part of a page. */
export const picture = (title: string, options: Plot.PlotOptions): Html => new Html(chart(title, options));

/** From the least to the greatest value, and some room; also where all are one. */
export function domainOf(values: readonly number[]): [number, number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = most > least ? 0.06 * (most - least) : 0.05 * Math.abs(most) || 1;
  return [least - room, most + room];
}
