// @ts-check
/**
 * Draws what model.py describes: three plots by uPlot, and the words beside them. It decides
 * nothing, and all that it is given is text: nothing becomes HTML.
 */

/**
 * @typedef {(number | null)[]} Values
 * @typedef {{name: string, color: string, connection: string, is_synced: boolean}} PeerRow
 * @typedef {object} MonitorModel
 * @property {string} room
 * @property {string} sentence
 * @property {string} traffic
 * @property {string} latency
 * @property {string} sync
 * @property {PeerRow[]} peers
 * @property {string[]} news
 * @property {string} note
 * @property {number[]} times
 * @property {Values} received
 * @property {Values} sent
 * @property {{name: string, color: string, round_trips: Values}[]} lines
 * @property {Values} connected
 * @property {Values} synced
 * @property {number[]} marks
 * @property {[number, number][]} gaps
 *
 * @typedef {{label: string, color: string, values: Values, dash?: number[]}} Series a colour of
 *   the theme by the name of its variable, or `#rrggbb`
 */

const HEIGHT_PX = 150;

/**
 * Make a monitor.
 * @param {object} options
 * @param {any} options.uPlot
 * @returns {{node: HTMLElement, show(model: MonitorModel): void, close(): void}}
 */
export function createMonitor({ uPlot }) {
  const node = makePart("section", "prtc-monitor");
  const room = makePart("h3", "prtc-room");
  const sentence = makePart("p", "prtc-sentence");
  const cursor = `prtc-${Math.random()}`; // the plots show the same moment
  const plots = {
    traffic: makePlot(uPlot, "Traffic", cursor, { unit: bytes, least: 100 }),
    latency: makePlot(uPlot, "Latency", cursor, { unit: (ms) => `${number(ms)} ms`, least: 10 }),
    sync: makePlot(uPlot, "Sync", cursor, { unit: number, least: 2, isStepped: true }),
  };
  const totals = makePart("p", "prtc-about");
  const note = makePart("p", "prtc-about");
  const peers = makePart("ul", "prtc-peers");
  peers.setAttribute("aria-label", "Peers");
  const news = makePart("ul", "prtc-news");
  news.setAttribute("aria-label", "What happened");
  node.append(
    makePart(
      "div",
      "prtc-monitor-body",
      makePart("div", "prtc-monitor-head", room, sentence, totals),
      ...Object.values(plots).map((plot) => plot.node),
      makePart("div", "prtc-monitor-foot", peers, news, note),
    ),
  );

  return {
    node,
    show(model) {
      node.setAttribute("aria-label", `Monitor of room ${model.room}`);
      write(room, model.room);
      write(sentence, model.sentence);
      write(totals, model.traffic);
      write(note, model.note);
      plots.traffic.show(model, model.traffic, [
        { label: "received", color: "--prtc-received", values: model.received },
        { label: "sent", color: "--prtc-sent", values: model.sent, dash: [6, 3] },
      ]);
      plots.latency.show(
        model,
        model.latency,
        model.lines.map(({ name, color, round_trips }) => ({ label: name, color, values: round_trips })),
      );
      plots.sync.show(model, model.sync, [
        { label: "connected", color: "--prtc-sent", values: model.connected, dash: [6, 3] },
        { label: "synced", color: "--prtc-received", values: model.synced },
      ]);
      fill(peers, model.peers, peerItem);
      fill(news, model.news, (words) => makePart("li", "prtc-about", words));
    },
    close() {
      Object.values(plots).forEach((plot) => plot.close());
    },
  };
}

/**
 * @param {string} tag @param {string} className @param {(Node | string)[]} children
 * @returns {HTMLElement}
 */
function makePart(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

/** @param {HTMLElement} node @param {string} text */
function write(node, text) {
  node.hidden = text === "";
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Fill a list, if it is another one than before.
 * @template T @param {HTMLElement} list @param {T[]} entries @param {(entry: T) => HTMLElement} item
 */
function fill(list, entries, item) {
  const text = JSON.stringify(entries);
  if (list.dataset.entries === text) return;
  list.dataset.entries = text;
  list.hidden = entries.length === 0;
  list.replaceChildren(...entries.map(item));
}

/** @param {PeerRow} peer */
function peerItem({ name, color, connection, is_synced }) {
  const way = makePart("span", "prtc-way", connection);
  way.dataset.synced = `${is_synced}`;
  const words = makePart("span", "prtc-peer-words", makePart("span", "prtc-name", name), way);
  return makePart("li", "prtc-peer", swatch(color), words);
}

/** @param {string} color */
function swatch(color) {
  const made = makePart("span", "prtc-swatch");
  made.style.backgroundColor = color.startsWith("--") ? `var(${color})` : color;
  made.setAttribute("aria-hidden", "true");
  return made;
}

/** @param {number} value */
function number(value) {
  return `${Math.round(value * 10) / 10}`;
}

/** @param {number} value */
function bytes(value) {
  if (value < 1000) return `${number(value)} B/s`;
  return value < 1e6 ? `${number(value / 1e3)} kB/s` : `${number(value / 1e6)} MB/s`;
}

/**
 * How much of the past is drawn: as many whole minutes as are known.
 * @param {number[]} times
 */
function span(times) {
  return 60 * Math.min(Math.max(Math.ceil(-(times[0] ?? 0) / 60), 1), 5);
}

/** Where the axis of time has its ticks. @param {number} spanned in seconds */
function ticks(spanned) {
  const step = spanned === 60 ? 15 : 60;
  return Array.from({ length: spanned / step + 1 }, (_, n) => n * step - spanned);
}

/** @param {number} at a tick */
function tickWords(at) {
  if (at === 0) return "now";
  return at % 60 === 0 ? `${-at / 60} min` : `${-at} s`;
}

/** @param {number} seconds that have passed */
function ago(seconds) {
  const whole = Math.round(seconds);
  if (whole < 1) return "now";
  return whole < 60 ? `${whole} s ago` : `${Math.floor(whole / 60)} min ${whole % 60} s ago`;
}

/**
 * A plot with its heading and its legend, which says the latest values, or those at the pointer.
 * @param {any} uPlot @param {string} title @param {string} cursor by which plots follow each other
 * @param {object} how
 * @param {(value: number) => string} how.unit
 * @param {number} how.least what the axis shows at least
 * @param {boolean} [how.isStepped]
 */
function makePlot(uPlot, title, cursor, { unit, least, isStepped = false }) {
  const legend = makePart("p", "prtc-legend");
  legend.setAttribute("aria-hidden", "true"); // the words of the picture say it
  const canvas = makePart("div", "prtc-plot");
  canvas.setAttribute("role", "img");
  const node = makePart("section", "prtc-part", makePart("h4", "prtc-title", title), legend, canvas);

  /** @type {any} */
  let chart;
  /** @type {Series[]} */
  let shown = [];
  /** @type {MonitorModel | undefined} */
  let latest;

  /** @param {string} color @returns {string} as a canvas takes it: the theme may have changed */
  const resolved = (color) =>
    color.startsWith("--") ? getComputedStyle(node).getPropertyValue(color).trim() : color;

  const axis = (/** @type {object} */ more) => ({
    stroke: () => resolved("--prtc-quiet"),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: () => resolved("--prtc-line"), width: 1 },
    ticks: { show: false },
    ...more,
  });

  /** What lies behind the lines: grey times of which nothing is known, and marks. @param {any} u */
  const drawBehind = (u) => {
    const { ctx, bbox } = u;
    const x = (/** @type {number} */ at) => u.valToPos(Math.max(at, u.scales.x.min), "x", true);
    ctx.save();
    ctx.fillStyle = resolved("--prtc-hover");
    latest?.gaps.forEach(([from, to]) => ctx.fillRect(x(from), bbox.top, x(to) - x(from), bbox.height));
    ctx.strokeStyle = resolved("--prtc-quiet");
    ctx.setLineDash([2, 4]);
    latest?.marks.forEach((at) => {
      ctx.beginPath();
      ctx.moveTo(x(at), bbox.top);
      ctx.lineTo(x(at), bbox.top + bbox.height);
      ctx.stroke();
    });
    ctx.restore();
  };

  const options = () => ({
    width: Math.max(canvas.clientWidth, 100),
    height: HEIGHT_PX,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 }, sync: { key: cursor } },
    scales: {
      x: { time: false, range: () => [-span(latest?.times ?? []), 0] },
      y: { range: (/** @type {any} */ _u, /** @type {number} */ _min, /** @type {number} */ max) =>
        [0, Math.max((max || 0) * 1.1, least)] },
    },
    axes: [
      axis({
        size: 24,
        splits: (/** @type {any} */ u) => ticks(-u.scales.x.min),
        values: (/** @type {any} */ _u, /** @type {number[]} */ splits) => splits.map(tickWords),
      }),
      axis({
        size: 62,
        incrs: isStepped ? [1, 2, 5, 10, 20, 50, 100, 200, 500] : undefined,
        values: (/** @type {any} */ _u, /** @type {number[]} */ splits) => splits.map(unit),
      }),
    ],
    series: [
      {},
      ...shown.map(({ label, color, dash }) => ({
        label,
        stroke: () => resolved(color),
        width: 2,
        dash,
        points: { show: false },
        paths: isStepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
      })),
    ],
    hooks: { drawClear: [drawBehind], setCursor: [() => drawLegend()] },
  });

  const drawLegend = () => {
    if (!latest) return;
    const times = latest.times;
    const at = chart?.cursor.idx ?? times.length - 1;
    const items = shown.map(({ label, color, values }) => {
      const value = values[at];
      const words = value === null || value === undefined ? "–" : unit(value);
      const parts = [makePart("span", "prtc-name", label), makePart("span", "prtc-value", words)];
      return makePart("span", "prtc-legend-item", swatch(color), ...parts);
    });
    if (chart?.cursor.idx != null) items.push(makePart("span", "prtc-legend-item", ago(-times[at])));
    legend.replaceChildren(...items);
  };

  /** @param {Series[]} series */
  const names = (series) => JSON.stringify(series.map(({ label, color }) => [label, color]));

  const resized = new ResizeObserver(() => {
    if (canvas.clientWidth > 0) chart?.setSize({ width: canvas.clientWidth, height: HEIGHT_PX });
  });
  resized.observe(canvas);

  return {
    node,
    /** @param {MonitorModel} model @param {string} words @param {Series[]} series */
    show(model, words, series) {
      latest = model;
      canvas.setAttribute("aria-label", `${title} of the last 5 minutes. ${words}`);
      const isOther = !chart || names(series) !== names(shown);
      shown = series;
      const data = [model.times, ...series.map(({ values }) => values)];
      if (isOther) {
        chart?.destroy();
        chart = new uPlot(options(), data, canvas);
      } else {
        chart.setData(data);
      }
      drawLegend();
    },
    close() {
      resized.disconnect();
      chart?.destroy();
    },
  };
}
