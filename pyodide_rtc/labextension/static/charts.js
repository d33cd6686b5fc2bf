// @ts-check
/**
 * Takes from charts of others what would run script. JupyterLab counts Vega as safe, but vega-embed
 * writes a chart's source, and a header that the chart brings, as HTML into a window of this site; and
 * it opens any address that the chart names as its editor.
 */

const VEGA = /^application\/vnd\.vega(lite)?\./;

/** What is left of the menu of a chart: its picture can be saved. */
const ACTIONS = { export: true, source: false, compiled: false, editor: false };

/** @param {any} options of vega-embed @returns {object} those that only say how it looks */
function looks(options) {
  const { theme, renderer } = options ?? {};
  return {
    ...(typeof theme === "string" ? { theme } : {}),
    ...(["svg", "canvas"].includes(renderer) ? { renderer } : {}),
  };
}

/**
 * Return a model of a chart without its options, for JupyterLab's renderer.
 * @param {any} model of an output @param {string} mimeType
 */
export function tamed(model, mimeType) {
  const spec = model.data[mimeType];
  const { usermeta, ...bare } = spec !== null && typeof spec === "object" ? spec : {};
  const { embed_options } = model.metadata[mimeType] ?? {};
  const options = { ...looks(usermeta?.embedOptions), ...looks(embed_options), actions: ACTIONS };
  return {
    trusted: false,
    data: { ...model.data, [mimeType]: bare },
    metadata: { ...model.metadata, [mimeType]: { embed_options: options } },
    setData: ({ data = model.data, metadata = model.metadata }) =>
      model.setData({ data: { ...data, [mimeType]: spec }, metadata }),
  };
}

/**
 * Patch the application so that charts that are not trusted are tamed.
 * @param {any} RenderMimeRegistry of @jupyterlab/rendermime
 */
export function tameCharts({ prototype }) {
  const { createRenderer } = prototype;
  prototype.createRenderer = function (/** @type {string} */ mimeType) {
    const renderer = createRenderer.call(this, mimeType);
    if (!VEGA.test(mimeType)) return renderer;
    const render = renderer.renderModel.bind(renderer);
    renderer.renderModel = (/** @type {any} */ model) =>
      render(model.trusted ? model : tamed(model, mimeType));
    return renderer;
  };
}
