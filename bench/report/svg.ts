// Charts as SVG, small enough to be read in a diff. The same numbers give the same bytes.

const WIDTH = 720;
const HEIGHT = 300;
const MARGIN = { top: 44, right: 16, bottom: 44, left: 64 };
const BAR_HEIGHT = 24;
const NAME_WIDTH = 330;
/** Apart for those who see colours otherwise, and on white as on black (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f7f7f'];

export type Line = { name: string; points: readonly { x: number; y: number }[] };

export type LineChart = {
  title: string;
  xLabel: string;
  yLabel: string;
  /** `log`: for numbers that grow by factors. */
  xScale: 'linear' | 'log';
  lines: readonly Line[];
};

export type Bar = { name: string; value: number; label: string; isGood: boolean };

/** Bars that run from the left; `mark` is a line through all of them. */
export type BarChart = { title: string; bars: readonly Bar[]; mark: number; markLabel: string };

/** Lines over a common axis from zero. */
export function drawLines({ title, xLabel, yLabel, xScale, lines }: LineChart): string {
  const points = lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const [low, high] = [xs[0] ?? 0, xs.at(-1) ?? 1];
  const top = niceTop(Math.max(...points.map(({ y }) => y), 0));
  const [width, height] = [WIDTH - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom];
  const along = xScale === 'log' ? Math.log : (x: number) => x;
  const span = along(high) - along(low) || 1;
  const px = (x: number) => fixed(MARGIN.left + (width * (along(x) - along(low))) / span);
  const py = (y: number) => fixed(MARGIN.top + height * (1 - y / top));
  const steps = [0, 0.25, 0.5, 0.75, 1].map((share) => share * top);
  const ticks =
    xs.length <= 8 ? xs : [low, (low + high) / 2, high].map((x) => Math.round(x * 10) / 10);
  return frame(title, HEIGHT, [
    text(MARGIN.left, 18, title, 'bold'),
    ...steps.flatMap((y) => [
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${py(y)}" y2="${py(y)}" class="grid"/>`,
      text(MARGIN.left - 6, Number(py(y)) + 4, short(y), 'end'),
    ]),
    ...ticks.map((x) => text(Number(px(x)), HEIGHT - MARGIN.bottom + 16, short(x), 'middle')),
    text(MARGIN.left + width / 2, HEIGHT - 8, xLabel, 'middle'),
    text(MARGIN.left - 56, 36, yLabel),
    ...lines.flatMap((line, index) => drawLine(line, { index, px, py })),
  ]);
}

function drawLine(
  { name, points }: Line,
  place: { index: number; px: (x: number) => string; py: (y: number) => string },
): string[] {
  const { index, px, py } = place;
  const colour = COLOURS[index % COLOURS.length];
  const at = points.map(({ x, y }) => `${px(x)},${py(y)}`).join(' ');
  const dots = points.length > 20 ? [] : points;
  return [
    `<polyline points="${at}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...dots.map(({ x, y }) => `<circle cx="${px(x)}" cy="${py(y)}" r="3" fill="${colour}"/>`),
    `<text x="${MARGIN.left + 12}" y="${MARGIN.top + 16 + 15 * index}" fill="${colour}">${escapeText(name)}</text>`,
  ];
}

/** Named bars, the longest as wide as there is room. */
export function drawBars({ title, bars, mark, markLabel }: BarChart): string {
  const height = MARGIN.top + bars.length * BAR_HEIGHT + 28;
  const room = WIDTH - NAME_WIDTH - 90;
  const longest = Math.max(mark * 1.1, ...bars.map(({ value }) => value));
  const width = (value: number) => fixed((room * value) / longest);
  const markX = fixed(NAME_WIDTH + Number(width(mark)));
  return frame(title, height, [
    text(8, 18, title, 'bold'),
    ...bars.flatMap(({ name, value, label, isGood }, index) => {
      const y = MARGIN.top + index * BAR_HEIGHT;
      const colour = isGood ? COLOURS[0] : COLOURS[1];
      return [
        text(NAME_WIDTH - 8, y + 12, name, 'end'),
        `<rect x="${NAME_WIDTH}" y="${y}" width="${width(value)}" height="${BAR_HEIGHT - 8}" fill="${colour}"/>`,
        text(NAME_WIDTH + Number(width(value)) + 6, y + 12, label),
      ];
    }),
    `<line x1="${markX}" x2="${markX}" y1="${MARGIN.top - 6}" y2="${height - 22}" class="mark"/>`,
    text(Number(markX), height - 8, markLabel, 'middle'),
  ]);
}

function frame(title: string, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escapeText(title)}</title>
<style>text{font:12px system-ui,sans-serif}text:not([fill]){fill:#222}.bold{font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}.grid{stroke:#ccc}.mark{stroke:#222;stroke-dasharray:4 3}</style>
<rect width="100%" height="100%" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}

function text(x: number, y: number, content: string, kind = ''): string {
  const style = kind === '' ? '' : ` class="${kind}"`;
  return `<text x="${fixed(x)}" y="${fixed(y)}"${style}>${escapeText(content)}</text>`;
}

const fixed = (value: number): string => String(Math.round(value * 10) / 10);

/** A number as an axis shows it. */
function short(value: number): string {
  if (value >= 10_000) return `${Math.round(value / 100) / 10}k`;
  return String(Math.round(value * 100) / 100);
}

/** The next round number that is not below: 1, 2, 2.5, 4, 5 or 8 times a power of ten. */
function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 2.5, 4, 5, 8, 10].find((step) => step * power >= value) ?? 10;
  return factor * power;
}

function escapeText(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
