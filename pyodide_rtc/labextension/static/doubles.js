// @ts-check
/**
 * Keeps each cell of a notebook once. JupyterLab moves a cell, or changes its type, by deleting it and
 * inserting another one of the same id. If two people do that with one cell at the same moment, it is
 * there twice.
 */

/** @param {any} one shared type of a cell @param {any} other */
const isEarlier = ({ _item: one }, { _item: other }) =>
  one.id.client === other.id.client ? one.id.clock < other.id.clock : one.id.client < other.id.client;

/**
 * Delete the cells that are there twice. All pages keep the same one.
 * @param {any} notebook YNotebook
 */
export function dropDoubles(notebook) {
  const kept = new Map();
  const doubles = new Set();
  for (const { ymodel } of notebook.cells) {
    const id = ymodel.get("id");
    const first = kept.get(id);
    if (!first || isEarlier(ymodel, first)) kept.set(id, ymodel);
    if (first) doubles.add(id);
  }
  if (doubles.size === 0) return;
  notebook.transact(() => {
    for (let index = notebook.cells.length - 1; index >= 0; index--) {
      const { ymodel } = notebook.cells[index];
      const id = ymodel.get("id");
      if (doubles.has(id) && kept.get(id) !== ymodel) notebook.deleteCell(index);
    }
  }, false);
}
