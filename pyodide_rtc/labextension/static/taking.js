// @ts-check
/**
 * Makes an edit of what was written into a file: only what differs is changed. So what others type
 * elsewhere in the document, and their cursors, stay. All functions are pure, apart from the model.
 */

import { asText, canonical } from "./seeding.js";

/**
 * Change a document so that it has this content.
 * @param {any} model YNotebook or YFile of the application @param {string} contentType
 * @param {any} content as the drive gives it
 */
export function takeInto(model, contentType, content) {
  const wanted = canonical(contentType, content);
  if (contentType === "notebook") takeNotebook(model, wanted);
  else takeText(model, wanted);
}

/**
 * Patch the application so that a cell that gets another source is changed only where that differs.
 * JupyterLab writes all of it anew, as when a kernel sets the text of a cell: whoever types there
 * would go on at its beginning. Call this once, before the first document is made.
 * @param {any} YBaseCell of @jupyter/ydoc
 */
export function keepCursors({ prototype }) {
  const { setSource } = prototype;
  prototype.setSource = function (/** @type {string} */ source) {
    if (this.notebook) takeText(this, source);
    else setSource.call(this, source);
  };
}

/** @param {any} shared a shared type with a source @param {string} wanted */
function takeText(shared, wanted) {
  const present = shared.getSource();
  const [from, presentTo, wantedTo] = wholeCharacters(present, ...differing(present, wanted));
  if (presentTo > from || wantedTo > from)
    shared.updateSource(from, presentTo, wanted.slice(from, wantedTo));
}

/**
 * Widen a difference that begins or ends within a character of two UTF-16 units.
 * @param {string} text @param {number} from @param {number} to @param {number} otherTo
 * @returns {[number, number, number]}
 */
function wholeCharacters(text, from, to, otherTo) {
  const cuts = (/** @type {number} */ at) => /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(at - 1, at + 1));
  const tail = cuts(to) ? 1 : 0;
  return [cuts(from) ? from - 1 : from, to + tail, otherTo + tail];
}

/** @param {any} model @param {any} wanted canonical */
function takeNotebook(model, wanted) {
  const present = canonical("notebook", model.toJSON());
  const [from, presentTo, wantedTo] = differing(present.cells.map(asText), wanted.cells.map(asText));
  const old = present.cells.slice(from, Math.min(presentTo, model.cells.length));
  const cells = wanted.cells.slice(from, wantedTo);
  const isSame = (/** @type {any} */ cell, /** @type {number} */ index) =>
    cell.id === cells[index]?.id && cell.cell_type === cells[index].cell_type;
  if (old.length === cells.length && old.every(isSame))
    cells.forEach((/** @type {any} */ cell, /** @type {number} */ index) =>
      takeCell(model.getCell(from + index), cell),
    );
  else {
    model.deleteCellRange(from, from + old.length);
    model.insertCells(from, cells);
  }
  if (asText(present.metadata) === asText(wanted.metadata)) return;
  const all = Object.entries(model.getMetadata());
  const own = Object.fromEntries(all.filter(([key]) => !(key in present.metadata)));
  model.setMetadata({ ...own, ...wanted.metadata });
}

/** @param {any} shared @param {any} cell canonical */
function takeCell(shared, cell) {
  takeText(shared, cell.source);
  shared.setMetadata(cell.metadata);
  if (cell.cell_type !== "code") return shared.setAttachments?.(cell.attachments);
  if (asText(shared.getOutputs()) !== asText(cell.outputs)) shared.setOutputs(cell.outputs);
  shared.execution_count = cell.execution_count;
}

/**
 * Find where two texts or lists differ, from their beginnings and ends.
 * @param {string | string[]} one @param {string | string[]} other
 * @returns {[number, number, number]} the index of the first difference, and the ends in both
 */
function differing(one, other) {
  let from = 0;
  while (from < Math.min(one.length, other.length) && one[from] === other[from]) from++;
  let [end, otherEnd] = [one.length, other.length];
  while (end > from && otherEnd > from && one[end - 1] === other[otherEnd - 1]) end--, otherEnd--;
  return [from, end, otherEnd];
}
