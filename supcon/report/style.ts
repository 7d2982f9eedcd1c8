/** How pages look: light or dark as the reader's system is, on screens from 320 pixels on. */
export const style = `
:root {
  color-scheme: light dark;
  --ink: #1f2328; --faint: #59636e; --page: #f6f8fa; --card: #ffffff; --line: #d9dfe5;
  --blue: #0072b2; --orange: #d55e00; --green: #00875f; --purple: #9c3e9c; --grey: #767676;
  --plot-background: var(--card);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6eaf0; --faint: #9aa4b0; --page: #0e1116; --card: #171b22; --line: #2d343e;
    --blue: #58b4ea; --orange: #ff8f4d; --green: #3ecb9a; --purple: #d18bd8; --grey: #8b949e;
  }
}
* { box-sizing: border-box }
body {
  font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 1120px; margin: 0 auto; padding: 1.5rem 1rem 4rem;
}
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .4rem; overflow-wrap: anywhere }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .3rem }
h3 { font-size: 1rem; margin: 0 0 .5rem }
p { margin: .3rem 0 .8rem; max-width: 46rem }
a { color: var(--blue) }
ul.facts { list-style: none; padding: 0; margin: 0; color: var(--faint); overflow-wrap: anywhere }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr)); gap: 1rem; align-items: start }
.cards.small { grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)) }
.wide { grid-column: 1 / -1 }
figure, .card { margin: 0; padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px; min-width: 0 }
figcaption { color: var(--faint); font-size: .9rem; line-height: 1.45; margin-top: .6rem }
svg { display: block; width: 100%; height: auto; overflow: visible }
svg text { white-space: pre }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .8rem; margin: 1.2rem 0 }
.tiles div { padding: .7rem .9rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px }
.tiles b { display: block; font-size: 1.5rem; font-weight: 650; line-height: 1.3; white-space: nowrap }
.tiles span { color: var(--faint); font-size: .85rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100% }
th, td { padding: .35rem .8rem .35rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap }
th { font-weight: 600; color: var(--faint); font-size: .9rem }
tr > :first-child { text-align: left; white-space: normal; overflow-wrap: anywhere }
td:first-child { min-width: 9rem }
.word { display: inline-block }
pre { overflow-x: auto; font-size: .8rem; line-height: 1.4 }
details > summary { cursor: pointer; color: var(--faint) }
ul.legend { display: flex; flex-wrap: wrap; gap: .35rem .5rem; list-style: none; padding: 0; margin: 0 0 .7rem; font-size: .85rem }
ul.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 50%; margin-right: .4em; background: var(--colour) }
ul.legend li, ul.legend button { overflow-wrap: anywhere; text-align: left }
ul.legend button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 99px; padding: .05rem .6rem; cursor: pointer }
ul.legend button[aria-pressed=true] { border-color: var(--ink); font-weight: 600 }
@media (max-width: 30rem) {
  svg { font-size: 15px }
  table { font-size: .85rem }
  th, td { padding-right: .5rem }
}
`;

/** What the pictures of a run's images add. */
export const imageStyle = `
.map circle { transition: fill-opacity .15s }
.map circle.near { stroke: var(--ink); stroke-width: 2px }
.map ul.legend { margin: .7rem 0 0; max-height: 9.5rem; overflow-y: auto }
.map svg.dim circle { fill-opacity: .07 }
.map svg.dim circle.on { fill-opacity: .9 }
.map svg text { paint-order: stroke; stroke: var(--card); stroke-width: 4px; font-weight: 700 }
.ramp { display: flex; align-items: center; gap: .6rem; font-size: .85rem; color: var(--faint) }
.ramp i { flex: 1; max-width: 14rem; height: .7rem; border-radius: 3px }
.tile { display: block; background-image: var(--sheet); image-rendering: pixelated; aspect-ratio: 1; border-radius: 4px }
#tip { position: fixed; left: 0; top: 0; z-index: 1; pointer-events: none; display: flex; gap: .6rem; padding: .5rem; max-width: 20rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 8px; box-shadow: 0 4px 18px #0004; font-size: .85rem; line-height: 1.3 }
#tip[hidden] { display: none }
#tip .tile { width: 4.5rem }
#tip figure { padding: 0; border: 0; max-width: 8rem; overflow-wrap: anywhere }
.similarity line { pointer-events: none }
.rows { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 28rem), 1fr)); gap: .8rem 2rem }
.neighbours { display: grid; grid-template-columns: minmax(3rem, 1.4fr) .2fr repeat(8, minmax(0, 1fr)); gap: .3rem; font-size: .75rem; text-align: center; color: var(--faint); line-height: 1.25; align-items: start; overflow-wrap: anywhere }
.neighbours .tile { outline: 2px solid transparent; outline-offset: -2px; margin-bottom: .15rem }
.neighbours .same .tile { outline-color: var(--green) }
.neighbours .other .tile { outline: 3px dashed var(--orange); outline-offset: -3px }
.neighbours .other { color: var(--orange) }
.neighbours > :first-child { color: var(--ink); font-weight: 600 }
@media (max-width: 30rem) {
  .neighbours { grid-template-columns: minmax(3rem, 1.4fr) .2fr repeat(5, minmax(0, 1fr)) }
  .neighbours > :nth-child(n+8) { display: none }
}
`;
