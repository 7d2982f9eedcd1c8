/** The script of a run's page: shows the images under the pointer, and one class of the map alone. */
import type { HoverData } from "./data.ts";

/** Stands before this script. */
declare const hoverData: HoverData;

const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
document.body.append(tip);

/** An image, where there is one, over its text. */
function entry(point: number, text: string): HTMLElement {
  const figure = document.createElement("figure");
  const { sheet } = hoverData;
  if (sheet) {
    const tile = document.createElement("span");
    tile.className = "tile";
    const share = (at: number, count: number) => `${count > 1 ? (100 * at) / (count - 1) : 0}%`;
    const [x, y] = [point % sheet.columns, Math.floor(point / sheet.columns)];
    tile.style.backgroundPosition = `${share(x, sheet.columns)} ${share(y, sheet.rows)}`;
    figure.append(tile);
  }
  figure.append(text);
  return figure;
}

/** Beside the pointer, and within the window. */
function show({ clientX, clientY }: PointerEvent, ...entries: readonly (HTMLElement | string)[]): void {
  tip.replaceChildren(...entries);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const x = clientX + 16 + width > innerWidth ? clientX - 16 - width : clientX + 16;
  const y = Math.min(Math.max(4, clientY - height / 2), innerHeight - height - 4);
  tip.style.transform = `translate(${Math.max(4, x)}px, ${y}px)`;
}

function onPointer(target: Element, at: (event: PointerEvent) => void): void {
  const handle = (event: Event) => { if (event instanceof PointerEvent) at(event); }; // prettier-ignore
  target.addEventListener("pointermove", handle);
  target.addEventListener("pointerdown", handle);
  target.addEventListener("pointerleave", () => (tip.hidden = true));
}

const className = (point: number): string => hoverData.classes[hoverData.labels[point] ?? -1] ?? "";

/** How near the pointer must be to a point of the map, in units of the picture. */
const reach = 14;

const map = document.querySelector<SVGSVGElement>(".map svg");
if (map) {
  const circles = [...map.querySelectorAll("circle")];
  onPointer(map, (event) => {
    const matrix = map.getScreenCTM();
    if (!matrix) return;
    const pointer = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    let [nearest, distance] = [-1, reach];
    for (const [i, circle] of circles.entries()) {
      if (map.classList.contains("dim") && !circle.classList.contains("on")) continue;
      const d = Math.hypot(circle.cx.baseVal.value - pointer.x, circle.cy.baseVal.value - pointer.y);
      if (d < distance) [nearest, distance] = [i, d];
    }
    circles.forEach((circle, i) => circle.classList.toggle("near", i === nearest));
    if (nearest < 0) tip.hidden = true;
    else show(event, entry(nearest, className(nearest)));
  });

  const buttons = [...document.querySelectorAll<HTMLButtonElement>(".map button")];
  for (const [label, button] of buttons.entries()) {
    button.addEventListener("click", () => {
      const isOn = button.getAttribute("aria-pressed") !== "true";
      for (const each of buttons) each.setAttribute("aria-pressed", String(isOn && each === button));
      map.classList.toggle("dim", isOn);
      circles.forEach((circle, i) => circle.classList.toggle("on", hoverData.labels[i] === label));
    });
  }
}

const image = document.querySelector(".similarity image");
const { similarity } = hoverData;
if (image && similarity) {
  const bytes = Uint8Array.from(atob(similarity.bytes), (sign) => sign.charCodeAt(0));
  const count = similarity.points.length;
  onPointer(image, (event) => {
    const { left, top, width, height } = image.getBoundingClientRect();
    const place = (share: number) => Math.min(count - 1, Math.max(0, Math.floor(share * count)));
    const [row, column] = [place((event.clientY - top) / height), place((event.clientX - left) / width)];
    const [a, b] = [similarity.points[row] ?? 0, similarity.points[column] ?? 0];
    const cosine = similarity.least + ((1 - similarity.least) * (bytes[row * count + column] ?? 0)) / 255;
    show(event, entry(a, className(a)), entry(b, className(b)), cosine.toFixed(2));
  });
}
