import assert from "node:assert/strict";
import test from "node:test";
import { labextension } from "./labextension.mjs";

const { withOwn } = await labextension("own-metadata.js");
const { canonical, outputsText } = await labextension("seeding.js");

test("hidden outputs have two marks, as in JupyterLab", () => {
  const hidden = { jupyter: { outputs_hidden: true }, collapsed: true };
  assert.deepEqual(withOwn({}, "collapsed", true), hidden);
  assert.deepEqual(withOwn({}, "jupyter", { outputs_hidden: true }), hidden);
  assert.deepEqual(withOwn(hidden, "collapsed", undefined), {});
  assert.deepEqual(withOwn(hidden, "jupyter", undefined), {});
  const source = { jupyter: { source_hidden: true } };
  assert.deepEqual(withOwn(source, "collapsed", true), {
    jupyter: { source_hidden: true, outputs_hidden: true },
    collapsed: true,
  });
  assert.deepEqual(withOwn({ ...hidden, scrolled: true }, "jupyter", { source_hidden: true }), {
    jupyter: { source_hidden: true },
    scrolled: true,
  });
});

test("who differs only in what is their own has the same notebook", () => {
  const notebook = (metadata, cell) => ({
    cells: [{ id: "a", cell_type: "code", source: "1", metadata: cell, outputs: [] }],
    metadata,
    nbformat: 4,
    nbformat_minor: 5,
  });
  const of = (...parts) => canonical("notebook", notebook(...parts));
  const bare = of({ title: "x" }, { tags: ["y"] });
  const kernelspec = { name: "python", display_name: "Python" };
  const language_info = { name: "python" };
  const widgets = { state: {} };
  const own = { trusted: true, collapsed: true, scrolled: false, jupyter: { source_hidden: true } };
  assert.deepEqual(
    of({ title: "x", kernelspec, language_info, widgets }, { tags: ["y"], ...own }),
    bare,
  );
  assert.notDeepEqual(of({ title: "other" }, { tags: ["y"] }), bare);
  assert.notDeepEqual(of({ title: "x" }, { tags: ["z"] }), bare);
});

test("equal outputs have the same text, however they are written down", () => {
  const one = { output_type: "stream", name: "stdout", text: ["a\n", "b"] };
  const other = { text: "a\nb", name: "stdout", output_type: "stream" };
  assert.equal(outputsText([one]), outputsText([other]));
  assert.notEqual(outputsText([one]), outputsText([{ ...other, text: "a" }]));
});
