/** How all figures look, and how a chart becomes the text of an SVG file without a browser. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

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

/** Colours that colour-blind readers can tell apart on white (Okabe and Ito, "Color Universal Design", 2008), and grey. */
export const colours = {
  blue: "#0072b2",
  orange: "#d55e00",
  green: "#009e73",
  purple: "#aa4499",
  amber: "#b07d00",
  grey: "#767676",
} as const;

const { document } = parseHTML("<html><body></body></html>");

/** The text of an SVG file: white behind it, so that it can be read on a dark page; `title` is for screen readers. */
export const svg = (title: string, options: Plot.PlotOptions): string =>
  svgElement(title, options)
    .replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" color="#1f2328" ')
    .replace(/^<svg (?:[^>"]|"[^"]*")*>/, '$&<rect width="100%" height="100%" fill="white" />')
    .concat("\n");

/** A chart as part of a page, whose colours its text and background have. */
export function svgElement(title: string, options: Plot.PlotOptions): string {
  const { outerHTML } = Plot.plot({ ...options, document, ariaLabel: title });
  return (
    outerHTML
      .replace(/font-size="10" font-family="[^"]*"/, 'font-size="13" font-family="sans-serif"')
      .replace("<svg ", '<svg role="img" ')
      // A style sheet of its own, with a background.
      .replace(/<style>.*?<\/style>/s, "")
      // Positions to a hundredth of a pixel.
      .replaceAll(/-?\d+\.\d{3,}/g, (digits) => String(Number(Number(digits).toFixed(2))))
  );
}
