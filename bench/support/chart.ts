import { readable } from "./statistics.ts";

type Chart = { title: string; labels: string[]; series: { name: string; values: number[] }[] };

const [width, height, left, panel, gap] = [640, 150, 24, 90, 60];

/** One curve per series, one above the other, from zero. Its colors follow the light or dark theme of the reader. */
export function drawChart({ title, labels, series }: Chart): string {
  const step = (width - 2 * left - 60) / Math.max(1, labels.length - 1);
  const x = (place: number) => Math.round(left + 30 + place * step);
  const bottom = series.length * (panel + gap);

  const panels = series.map(({ name, values }, place) => curve(name, values, place * (panel + gap) + gap, x));
  const marks = labels.map((label, place) => `<text x="${x(place)}" y="${bottom + 30}">${label}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + height / 3}" role="img" aria-label="${title}">
<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328; text-anchor: middle }
  .name { font-weight: 600; text-anchor: start }
  .line { fill: none; stroke: #0969da; stroke-width: 2 }
  .dot { fill: #0969da }
  .axis { stroke: #8c959f; stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .line { stroke: #58a6ff }
    .dot { fill: #58a6ff }
  }
</style>
${[...panels, ...marks].join("\n")}
</svg>
`;
}

function curve(name: string, values: number[], top: number, x: (place: number) => number): string {
  const highest = Math.max(...values);
  const y = (value: number) => Math.round(top + panel - (value / highest) * (panel - 20));
  const path = values.map((value, place) => `${x(place)},${y(value)}`).join(" ");
  return [
    `<text class="name" x="${left}" y="${top - 14}">${name}</text>`,
    `<line class="axis" x1="${left}" x2="${width - left}" y1="${top + panel}" y2="${top + panel}"/>`,
    `<polyline class="line" points="${path}"/>`,
    ...values.map((value, place) => `<circle class="dot" r="3" cx="${x(place)}" cy="${y(value)}"/>`),
    ...values.map((value, place) => `<text x="${x(place)}" y="${y(value) - 8}">${readable(value)}</text>`),
  ].join("\n");
}
