// @ts-check
/**
 * Keeps trust on this page. JupyterLab runs the scripts of a cell's outputs if the cell is trusted,
 * and has the mark for that in the document, which we share. Here the mark never travels: a cell is
 * trusted if this page has marked it, and if all its outputs were made here. Whatever else brings an
 * output, be it a peer, an undo or a view that replaces what it shows, brings an untrusted one.
 */

import { beginOwn, keepMetadataHere, ownHere } from "./own-metadata.js";
import { outputsText } from "./seeding.js";
import { beginViews, createView, meetView, noteView } from "./widget-views.js";

/** Shared types of cells that this page trusts. */
const trusted = new WeakSet();
/** Shared types of outputs that were made here, or that the person at this page trusts. */
const own = new WeakSet();
/** The outputs of cells that are not in the document yet, by the cells' shared types. */
const drafts = new WeakMap();
/** Models of outputs that did not come from a kernel of this page. */
const heard = new WeakSet();
/** @type {WeakMap<object, Map<string, string>>} outputs of trusted cells that are deleted, by id */
const deleted = new WeakMap();

/** How many changes of shared notebooks the application is just hearing of. */
let hearing = 0;
/**
 * Where an output that is just being added comes from; undefined while none is.
 * @type {"made" | "heard" | undefined}
 */
let adding;

/** @param {any} cell its model */
const isShared = (cell) => cell.notebook !== null && deleted.has(cell.notebook);

/** @param {any} cell @returns {any[]} */
const outputsOf = (cell) =>
  (cell.ymodel.doc ? cell.youtputs?.toArray() : drafts.get(cell.ymodel)) ?? [];

/** @param {any} cell */
const isTrusted = (cell) =>
  trusted.has(cell.ymodel) && outputsOf(cell).every((output) => own.has(output));

/** @template T @param {typeof adding} origin @param {() => T} step @returns {T} */
function addingFrom(origin, step) {
  const before = adding;
  adding = origin;
  try {
    return step();
  } finally {
    adding = before;
  }
}

/**
 * Patch the application so that it keeps the marks of shared notebooks here. Call this once, before
 * the first document is made.
 * @param {any} ydoc @jupyter/ydoc @param {any} OutputAreaModel of @jupyterlab/outputarea
 */
export function keepTrustHere(ydoc, OutputAreaModel) {
  keepMetadataHere(ydoc);
  keepMarks(ydoc.YBaseCell.prototype);
  followOutputs(ydoc.YCodeCell.prototype, OutputAreaModel);
  rememberDeleted(ydoc.YNotebook.prototype);
}

/** @param {any} prototype of YBaseCell */
function keepMarks(prototype) {
  const { getMetadata, setMetadata, deleteMetadata } = prototype;
  prototype.getMetadata = function (/** @type {string | undefined} */ key) {
    if (!isShared(this)) return getMetadata.call(this, key);
    if (key === "trusted") return isTrusted(this) || undefined;
    const found = getMetadata.call(this, key);
    if (key !== undefined || found === undefined) return found;
    const { trusted: told, ...metadata } = found;
    return isTrusted(this) ? { ...metadata, trusted: true } : metadata;
  };
  prototype.setMetadata = function (/** @type {any} */ metadata, /** @type {any} */ value) {
    if (!isShared(this)) return setMetadata.call(this, metadata, value);
    if (metadata === "trusted") return mark(this, value);
    if (typeof metadata === "string") return setMetadata.call(this, metadata, value);
    const { trusted: told, ...others } = metadata;
    if (told !== undefined) mark(this, told);
    setMetadata.call(this, others);
  };
  prototype.deleteMetadata = function (/** @type {string} */ key) {
    if (isShared(this) && key === "trusted") mark(this, false);
    else deleteMetadata.call(this, key);
  };
}

/** @param {any} cell @param {unknown} value */
function mark(cell, value) {
  if (value === true) trust(cell.ymodel, outputsOf(cell));
  else trusted.delete(cell.ymodel);
}

/** @param {any} ymodel @param {any[]} outputs */
function trust(ymodel, outputs) {
  trusted.add(ymodel);
  for (const output of outputs) if (typeof output === "object") own.add(output);
}

/** @param {any} prototype of YCodeCell @param {any} OutputAreaModel */
function followOutputs(prototype, OutputAreaModel) {
  const { createOutputs, updateOutputs } = prototype;
  prototype.createOutputs = function (/** @type {any[]} */ outputs) {
    const made = createOutputs.call(this, outputs);
    if (adding === "made") made.forEach((/** @type {object} */ output) => own.add(output));
    if (!this.ymodel.doc) drafts.set(this.ymodel, made);
    return made;
  };
  prototype.updateOutputs = function (
    /** @type {number} */ start,
    /** @type {number} */ end,
    /** @type {any[]} */ outputs = [],
    /** @type {unknown} */ origin = null,
  ) {
    const update = () => updateOutputs.call(this, start, end, outputs, origin);
    if (!isShared(this) || end <= start || outputs.length === 0) return update();
    // A view replaces an output by what it has drawn, as Vega does. Only its maker's view may: two
    // that do it at once would double the output, and it would no longer be known whose it is.
    const replaced = outputsOf(this).slice(start, end);
    if (replaced.length < end - start || !replaced.every((output) => own.has(output))) return;
    addingFrom("made", update);
  };

  const { add, clear, set, shouldCombine } = OutputAreaModel.prototype;
  OutputAreaModel.prototype.add = function (/** @type {any} */ output) {
    if (hearing > 0) meetView(this, this.length, output);
    else noteView(this, output);
    return addingFrom(hearing > 0 ? "heard" : "made", () => add.call(this, output));
  };
  OutputAreaModel.prototype.set = function (/** @type {number} */ index, /** @type {any} */ output) {
    if (hearing > 0) meetView(this, index, output);
    return addingFrom(hearing > 0 ? "heard" : "made", () => set.call(this, index, output));
  };
  OutputAreaModel.prototype.clear = function (/** @type {boolean} */ wait) {
    if (hearing === 0) beginViews(this);
    return clear.call(this, wait);
  };
  // Text that is printed here does not go into somebody else's output.
  OutputAreaModel.prototype.shouldCombine = function (/** @type {any} */ options) {
    return adding !== "heard" && !heard.has(options.lastModel) && shouldCombine.call(this, options);
  };
  const factory = OutputAreaModel.ContentFactory.prototype;
  const { createOutputModel } = factory;
  factory.createOutputModel = function (/** @type {any} */ options) {
    const create = (/** @type {any} */ all) => createOutputModel.call(this, all);
    if (adding !== "heard") return createView(create, options);
    const model = createView(create, { ...options, trusted: false });
    heard.add(model);
    return model;
  };
}

/** @param {any} prototype of YNotebook */
function rememberDeleted(prototype) {
  const { deleteCellRange, moveCells } = prototype;
  prototype.deleteCellRange = function (/** @type {number} */ from, /** @type {number} */ to) {
    remember(this, from, to);
    return deleteCellRange.call(this, from, to);
  };
  prototype.moveCells = function (
    /** @type {number} */ from,
    /** @type {number} */ to,
    /** @type {number} */ count = 1,
  ) {
    remember(this, from, from + count);
    return moveCells.call(this, from, to, count);
  };
}

/**
 * Remember trusted cells before they are deleted, for an undo.
 * @param {any} notebook @param {number} from @param {number} to
 */
function remember(notebook, from, to) {
  const known = deleted.get(notebook);
  for (const cell of known ? notebook.cells.slice(from, to) : [])
    if (cell.youtputs && isTrusted(cell)) known?.set(cell.getId(), textOf(cell.youtputs));
}

/** @param {any} outputs */
const textOf = (outputs) => outputsText(outputs.toJSON());

/** @param {any} notebook YNotebook, before anything is in it */
export function shareNotebook(notebook) {
  deleted.set(notebook, new Map());
  ownHere(notebook);
  notebook.ydoc.on("beforeObserverCalls", (/** @type {any} */ transaction) => {
    hearing++;
    hear(notebook, transaction);
  });
  notebook.ydoc.on("afterTransaction", () => hearing--);
}

/**
 * See what a change brings, before the application's observers see it.
 * @param {any} notebook @param {any} transaction
 */
function hear(notebook, transaction) {
  const isUndo = transaction.origin?.undoStack !== undefined;
  if (transaction.local && !isUndo) return;
  const cells = notebook.ydoc.getArray("cells");
  for (const [changed] of transaction.changed) {
    // The types from the cells down: [cells, cell, outputs, output, ...what is in it].
    const way = [];
    for (let type = changed; type; type = type.parent) way.unshift(type);
    if (way[0] === cells && way[3] !== undefined) own.delete(way[3]);
  }
  if (!isUndo || !transaction.changed.has(cells)) return;
  for (const cell of cells.toArray()) {
    const { id } = cell._item;
    const isNew = id.clock >= (transaction.beforeState.get(id.client) ?? 0);
    if (isNew) trustKnown(cell, /** @type {any} */ (deleted.get(notebook)));
  }
}

/**
 * Trust a cell if it is known, and its outputs are still the same.
 * @param {any} ymodel @param {Map<string, string>} known
 */
function trustKnown(ymodel, known) {
  const outputs = ymodel.get?.("outputs");
  if (!outputs?.toArray) return; // no cell of code, or what a peer has put in its place
  if (known.get(ymodel.get("id")) === textOf(outputs)) trust(ymodel, outputs.toArray());
}

/**
 * Apply the state that a document begins with. A cell that is trusted in this browser's own file is
 * trusted again if its outputs are still the same.
 * @param {any} model YNotebook or YFile @param {any} Y the application's yjs
 * @param {Uint8Array} state @param {unknown} origin of the transaction
 * @param {any} file as this browser has saved it; undefined if it has not
 */
export function applyFirst(model, Y, state, origin, file) {
  const begin = (/** @type {any} */ transaction) => {
    if (transaction.origin !== origin || !deleted.has(model)) return;
    beginOwn(model, file);
    const known = new Map();
    for (const { id, metadata, outputs } of file?.cells ?? [])
      if (metadata?.trusted === true) known.set(id, outputsText(outputs ?? []));
    for (const cell of model.ydoc.getArray("cells").toArray()) trustKnown(cell, known);
  };
  model.ydoc.on("beforeObserverCalls", begin);
  try {
    Y.applyUpdate(model.ydoc, state, origin);
  } finally {
    model.ydoc.off("beforeObserverCalls", begin);
  }
}

/**
 * Take back the outputs that this page has made in a cell.
 * @param {any} cell YCodeCell
 */
export function takeBackOutputs(cell) {
  cell.transact(() => {
    const outputs = cell.youtputs.toArray();
    for (let index = outputs.length - 1; index >= 0; index--)
      if (own.has(outputs[index])) cell.youtputs.delete(index, 1);
  }, false);
}
