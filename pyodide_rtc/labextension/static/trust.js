// @ts-check
/**
 * Keeps trust on this page. JupyterLab runs the scripts of a cell's outputs if the cell is trusted,
 * and has the mark for that in the document, which we share. Here the mark never travels: a cell is
 * trusted if this page has marked it, and all its outputs came from here.
 */

/** Shared types of cells that this page trusts. */
const trusted = new WeakSet();
/** Outputs that others have brought or changed. */
const foreign = new WeakSet();
/** Notebooks whose marks are kept here. */
const shared = new WeakSet();
/** Whether a peer's update is being applied. */
let isApplying = false;

/** @param {any} cell its shared model */
const isTrusted = (cell) => trusted.has(cell.ymodel) && !hasForeignOutputs(cell);

/** @param {any} cell Outputs that are no objects count as foreign: our pages make none. */
const hasForeignOutputs = (cell) =>
  (cell.youtputs?.toArray() ?? []).some(
    (/** @type {any} */ output) => typeof output !== "object" || foreign.has(output),
  );

/** @param {any} cell */
const isShared = (cell) => cell.notebook !== null && shared.has(cell.notebook);

/**
 * Patch the application so that it keeps the marks of shared notebooks here. Call this once, before
 * the first document is made.
 * @param {any} YBaseCell of @jupyter/ydoc @param {any} OutputAreaModel of @jupyterlab/outputarea
 */
export function keepTrustHere(YBaseCell, OutputAreaModel) {
  const { getMetadata, setMetadata } = YBaseCell.prototype;
  YBaseCell.prototype.getMetadata = function (/** @type {string | undefined} */ key) {
    if (!isShared(this)) return getMetadata.call(this, key);
    if (key === "trusted") return isTrusted(this) || undefined;
    const found = getMetadata.call(this, key);
    if (key !== undefined || found === undefined) return found;
    const { trusted: told, ...metadata } = found;
    return isTrusted(this) ? { ...metadata, trusted: true } : metadata;
  };
  YBaseCell.prototype.setMetadata = function (/** @type {any} */ metadata, /** @type {any} */ value) {
    if (!isShared(this)) return setMetadata.call(this, metadata, value);
    if (metadata === "trusted") return mark(this, value);
    if (typeof metadata === "string") return setMetadata.call(this, metadata, value);
    const { trusted: told, ...others } = metadata;
    if (told !== undefined) mark(this, told);
    setMetadata.call(this, others);
  };
  const factory = OutputAreaModel.ContentFactory.prototype;
  const { createOutputModel } = factory;
  factory.createOutputModel = function (/** @type {any} */ options) {
    return createOutputModel.call(this, isApplying ? { ...options, trusted: false } : options);
  };
}

/** @param {any} cell @param {unknown} value */
function mark(cell, value) {
  value === true ? trusted.add(cell.ymodel) : trusted.delete(cell.ymodel);
}

/** @param {any} notebook YNotebook, before anything is in it */
export function shareNotebook(notebook) {
  shared.add(notebook);
}

/**
 * Apply a change, and run a step on its transaction before the application's observers see it.
 * @param {any} ydoc @param {unknown} origin of the transaction
 * @param {(transaction: any) => void} step @param {() => void} change
 */
function beforeItIsHeard(ydoc, origin, step, change) {
  const hear = (/** @type {any} */ transaction) => transaction.origin === origin && step(transaction);
  ydoc.on("beforeObserverCalls", hear);
  try {
    change();
  } finally {
    ydoc.off("beforeObserverCalls", hear);
  }
}

/**
 * Apply what others have edited: outputs that they bring or change are foreign from then on.
 * @param {any} ydoc @param {any} Y the application's yjs @param {Uint8Array} update
 * @param {unknown} origin of the transaction
 */
export function applyForeign(ydoc, Y, update, origin) {
  isApplying = true;
  try {
    beforeItIsHeard(ydoc, origin, noteForeign, () => Y.applyUpdate(ydoc, update, origin));
  } finally {
    isApplying = false;
  }
}

/** @param {any} transaction */
function noteForeign(transaction) {
  const cells = transaction.doc.share.get("cells");
  for (const [changed] of transaction.changed) {
    // The types from the cells down: [cells, cell, outputs, output, ...what is in it].
    const way = [];
    for (let type = changed; type; type = type.parent) way.unshift(type);
    if (way[0] !== cells || way[2] === undefined || way[1].get("outputs") !== way[2]) continue;
    if (way[3] !== undefined) foreign.add(way[3]);
    else noteNewOutputs(way[2], transaction);
  }
}

/** @param {any} outputs @param {any} transaction */
function noteNewOutputs(outputs, transaction) {
  for (const output of outputs.toArray()) {
    if (typeof output !== "object") continue;
    // In older models outputs are plain values, which have no identity: all count as new.
    const id = output._item?.id;
    if (!id || id.clock >= (transaction.beforeState.get(id.client) ?? 0)) foreign.add(output);
  }
}

/**
 * Apply the state that a document begins with. A cell that is trusted in this browser's own file is
 * trusted again if its outputs are still the same.
 * @param {any} ydoc @param {any} Y the application's yjs @param {Uint8Array} state
 * @param {unknown} origin of the transaction
 * @param {any} file the notebook as this browser has saved it
 * @param {(outputs: any) => string} asText gives equal outputs the same text
 */
export function applyFirst(ydoc, Y, state, origin, file, asText) {
  const known = new Map();
  for (const { id, metadata, outputs } of file?.cells ?? [])
    if (metadata?.trusted === true) known.set(id, asText(outputs ?? []));
  const trustKnown = () => {
    for (const cell of ydoc.getArray("cells").toArray()) {
      const outputs = known.get(cell.get("id"));
      if (outputs === asText(cell.get("outputs")?.toJSON() ?? [])) trusted.add(cell);
    }
  };
  beforeItIsHeard(ydoc, origin, trustKnown, () => Y.applyUpdate(ydoc, state, origin));
}
