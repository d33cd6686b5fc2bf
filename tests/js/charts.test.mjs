import assert from "node:assert/strict";
import test from "node:test";
import { labextension } from "./labextension.mjs";

const { tamed, tameCharts } = await labextension("charts.js");
const MIME = "application/vnd.vegalite.v5+json";

const output = (spec, metadata = {}) => ({
  trusted: false,
  data: { [MIME]: spec },
  metadata,
  setData(options) {
    Object.assign(this, options);
  },
});

test("of a chart's options only its looks are left", () => {
  const evil = { sourceHeader: "<script>", editorUrl: "javascript:1", loader: {}, actions: true };
  const spec = { mark: "point", usermeta: { embedOptions: { ...evil, theme: "dark" } } };
  const model = tamed(output(spec, { [MIME]: { embed_options: { ...evil, renderer: "svg" } } }), MIME);
  assert.deepEqual(model.data[MIME], { mark: "point" });
  const { actions, ...options } = model.metadata[MIME].embed_options;
  assert.deepEqual(options, { theme: "dark", renderer: "svg" });
  assert.deepEqual(actions, { export: true, source: false, compiled: false, editor: false });
});

test("an address or nothing in place of a chart is an empty one", () => {
  for (const spec of ["https://example.com/chart.json", null, undefined, 1])
    assert.deepEqual(tamed(output(spec), MIME).data[MIME], {});
});

test("what the renderer adds goes into the whole output", () => {
  const spec = { mark: "point", usermeta: { a: 1 } };
  const whole = output(spec);
  const model = tamed(whole, MIME);
  model.setData({ data: { ...model.data, "image/png": "x" } });
  assert.deepEqual(whole.data, { [MIME]: spec, "image/png": "x" });
  assert.deepEqual(whole.metadata, {});
});

test("trusted charts and other outputs are rendered as they are", () => {
  const rendered = [];
  class Registry {
    createRenderer() {
      return { renderModel: (model) => rendered.push(model) };
    }
  }
  tameCharts(Registry);
  const own = { ...output({}), trusted: true };
  const html = output("<b>");
  new Registry().createRenderer(MIME).renderModel(own);
  new Registry().createRenderer("text/html").renderModel(html);
  assert.deepEqual(rendered, [own, html]);
  new Registry().createRenderer(MIME).renderModel(html);
  assert.notEqual(rendered[2], html);
});
