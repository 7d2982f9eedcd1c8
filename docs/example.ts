/** The example of supcon.md: `npx tsx docs/example.ts` prints what the comments say. */
import { backward, init, tensor } from "../index.ts";
import { supConAnchorLosses, supConLoss } from "../supcon/index.ts";

await init({ backend: "reference" });

// Two samples of class 7 and one of class 3, with two views each.
const views = [
  [[0.01, 0.02, 0.14], [0.38, 0.61, 0.5]],
  [[0.86, 0.97, 0.33], [0.26, 0.68, 0.45]],
  [[0.32, 0.64, 0.28], [0.45, 0.74, 0.73]],
]; // prettier-ignore
const w = tensor(views, undefined, { requiresGrad: true });
const labels = [7, 7, 3];

const loss = supConLoss(w, labels, { temperature: 0.1 });
backward(loss);
console.log((await loss.item()).toFixed(4)); // 2.3156

const ofFirstView = (await w.grad?.data())?.slice(0, 3) ?? [];
console.log(Array.from(ofFirstView, (x) => x.toFixed(2)).join(" ")); // -5.56 -7.98 1.54

const inside = supConLoss(w, labels, { temperature: 0.1, summation: "in" });
console.log((await inside.item()).toFixed(4)); // 1.7905

const simclr = await supConAnchorLosses(w, null, { temperature: 0.1 }).data();
console.log(Array.from(simclr, (x) => x.toFixed(2)).join(" ")); // 1.33 4.20 1.61 2.05 1.59 1.57
