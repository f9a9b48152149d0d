// The pictures of the page at /: bars, a scale, a line along one column, a map of two columns.
// Drawn from answers of the API alone.

import { draw, make } from "./common.js";

// Distinct to most who see colours otherwise (after Okabe and Ito); light enough for black letters.
const COLOURS = [
  [86, 180, 233], [230, 159, 0], [0, 158, 115], [204, 121, 167],
  [240, 228, 66], [213, 94, 0], [120, 148, 230], [170, 170, 170],
];
const LOW = [68, 84, 160], HIGH = [250, 220, 90]; // of numbers, between which others lie

export const colourOf = (position) => COLOURS[position % COLOURS.length];
const css = (colour) => `rgb(${colour.join(" ")})`;

// Return the colour of a number between two others.
export function shade(value, low, high) {
  const share = high > low ? Math.min(Math.max((value - low) / (high - low), 0), 1) : 0.5;
  return LOW.map((from, channel) => Math.round(from + share * (HIGH[channel] - from)));
}

// Write text shorter than it is, for what is narrow.
const cut = (text, most = 40) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

const swatch = (colour) => {
  const square = make("span", { class: "swatch" });
  square.style.backgroundColor = css(colour); // by the object model, which the policy leaves free
  return square;
};

export function legend(entries) {
  return make("ul", { class: "legend" },
    ...entries.map(([name, colour]) => make("li", {}, swatch(colour), cut(name))));
}

// A bar for each name: of its share of 1, or of where it lies among the others.
export function drawBars(entries, { chosen, write, shares }) {
  const values = entries.map(([, value]) => value);
  const low = shares ? 0 : Math.min(0, ...values), high = shares ? 1 : Math.max(0, ...values);
  const share = (value) => (high > low ? (value - low) / (high - low) : 0);
  return make("table", { class: "bars" }, make("tbody", {}, ...entries.map(([name, value, at]) => {
    const bar = make("span", { class: "bar" });
    bar.style.inlineSize = `${100 * share(value)}%`;
    bar.style.backgroundColor = css(colourOf(at));
    return make("tr", { class: name === chosen ? "chosen" : "" },
      make("th", { scope: "row" }, cut(name)),
      make("td", {}, make("span", { class: "track", "aria-hidden": "true" }, bar)),
      make("td", { class: "figure" }, write(value)));
  })));
}

// Where a number lies in what training saw.
export function drawScale(value, low, high, label) {
  const [from, to] = widen(Math.min(low, value), Math.max(high, value), 0.04);
  const at = (number) => 400 * ((number - from) / (to - from || 1));
  return draw("svg", { class: "scale", viewBox: "0 0 400 24", role: "img", "aria-label": label },
    draw("line", { class: "axis", x1: 0, x2: 400, y1: 12, y2: 12 }),
    draw("rect", { class: "seen", x: at(low), y: 6, width: Math.max(at(high) - at(low), 1), height: 12 }),
    draw("circle", { class: "point", cx: at(value), cy: 12, r: 6 }));
}

export function widen(low, high, share) {
  const more = (high - low || Math.abs(high) || 1) * share;
  return [low - more, high + more];
}

export function spread(low, high, count) {
  return Array.from({ length: count }, (_, at) => low + ((high - low) * at) / (count - 1));
}

// Lines of numbers over a column, and where one stands. Series: a name, its numbers, its colour's place.
export function drawLines(series, { xs, here, seen, axis, label, write }) {
  const all = series.flatMap(([, numbers]) => numbers);
  const [low, high] = axis ?? widen(Math.min(...all), Math.max(...all), 0.05);
  const [from, to] = [xs[0], xs.at(-1)];
  const x = (value) => 400 * ((value - from) / (to - from || 1));
  const y = (value) => 200 - 200 * ((value - low) / (high - low || 1));
  const plot = draw("svg", { viewBox: "-2 -4 404 208", role: "img", "aria-label": label });
  if (seen) {
    plot.append(draw("rect", { class: "seen", x: x(seen[0]), y: 0, width: x(seen[1]) - x(seen[0]), height: 200 }));
  }
  for (const [name, numbers, at] of series) {
    const points = numbers.map((value, k) => `${x(xs[k]).toFixed(1)},${y(value).toFixed(1)}`);
    const line = draw("polyline", { class: "line", points: points.join(" ") }, draw("title", {}, name));
    line.style.stroke = css(colourOf(at));
    plot.append(line);
  }
  if (here !== null) {
    plot.append(draw("line", { class: "here", x1: x(here), x2: x(here), y1: 0, y2: 200 }));
  }
  return make("div", { class: "plot" },
    make("div", { class: "up" }, make("span", {}, write(high)), make("span", {}, write(low))),
    plot);
}

// A map: a cell for each pair of values. Cells: colours, from the lowest left to the highest right.
export class Chart {
  constructor({ columns, rows, x, y, label, choose }) {
    Object.assign(this, { columns, rows, x, y });
    this.cells = make("canvas", { width: columns, height: rows, role: "img", "aria-label": label });
    this.marks = draw("svg", { viewBox: `0 0 ${columns} ${rows}`, "aria-hidden": "true" });
    this.point = draw("circle", { class: "point", r: 1 });
    const box = ([low, high], values, size) => {
      const scale = size / (values.at(-1) - values[0] || 1);
      return [(low - values[0]) * scale, (high - low) * scale];
    };
    const [left, width] = box(x.seen, x.values, columns);
    const [bottom, height] = box(y.seen, y.values, rows);
    this.marks.append(
      draw("rect", { class: "seen", x: left, y: rows - bottom - height, width, height }), this.point);
    this.element = make("div", {
      class: "map",
      click: (event) => {
        const place = this.cells.getBoundingClientRect();
        const across = (event.clientX - place.left) / place.width;
        const up = 1 - (event.clientY - place.top) / place.height;
        const value = ({ values }, share) => values[0] + share * (values.at(-1) - values[0]);
        choose(value(x, across), value(y, up));
      },
    }, this.cells, this.marks);
  }

  paint(colours) {
    const context = this.cells.getContext("2d");
    const image = context.createImageData(this.columns, this.rows);
    for (const [at, colour] of colours.entries()) {
      const row = this.rows - 1 - Math.floor(at / this.columns);
      image.data.set([...colour, 255], 4 * (row * this.columns + (at % this.columns)));
    }
    context.putImageData(image, 0, 0);
  }

  place(x, y) {
    const share = (value, { values }) => (value - values[0]) / (values.at(-1) - values[0] || 1);
    const across = share(x, this.x), up = share(y, this.y);
    const isThere = across >= 0 && across <= 1 && up >= 0 && up <= 1;
    this.point.setAttribute("visibility", isThere ? "visible" : "hidden");
    if (!isThere) return;
    this.point.setAttribute("cx", across * this.columns);
    this.point.setAttribute("cy", (1 - up) * this.rows);
  }
}
