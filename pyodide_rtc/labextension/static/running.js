// @ts-check
/**
 * Who runs which cell. JupyterLab has "running" in the document, where it would stay for ever if its
 * page is closed. Here each page tells it in the document's awareness, which goes with the page. One
 * cell has one runner: whoever runs it next is asked first, and the earlier run lets go of its output.
 */

import { takeBackOutputs } from "./trust.js";

/** @typedef {{client: number, turn: number, name: string}} Runner */

/** So many running cells are told: one state is at most 64 KiB long. */
const MOST_TOLD = 500;
/** So long the earlier run has time to let go of its output. */
const LET_GO_MS = 1000;

/**
 * Read who else runs which cells; whatever a peer has put there instead counts as nothing.
 * @param {Map<number, any>} states of the awareness @param {number} me
 * @returns {Map<string, Runner[]>} by the cells' ids
 */
export function runnersOf(states, me) {
  /** @type {Map<string, Runner[]>} */
  const runners = new Map();
  for (const [client, state] of states) {
    const { running, user } = state ?? {};
    if (client === me || typeof running !== "object" || running === null) continue;
    const told = user?.display_name ?? user?.name;
    const name = typeof told === "string" && told ? told.slice(0, 60) : "Somebody";
    for (const [id, turn] of Object.entries(running).slice(0, MOST_TOLD))
      if (Number.isSafeInteger(turn))
        runners.set(id, [...(runners.get(id) ?? []), { client, turn, name }]);
  }
  return runners;
}

/**
 * Whether another's run of a cell is the one that counts. Both sides compute the same.
 * @param {{client: number, turn: number}} mine @param {{client: number, turn: number}} other
 */
export const isAhead = (mine, other) =>
  other.turn === mine.turn ? other.client > mine.client : other.turn > mine.turn;

/** @param {string[]} names @returns {string} */
export const asked = (names) =>
  `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} running this. ` +
  "If you run it too, your output takes the place of theirs.";

/** @type {WeakMap<object, Runs>} by YNotebook */
const here = new WeakMap();

/** @param {any} cell @returns {Runs | undefined} */
const runsOf = (cell) => cell.notebook && here.get(cell.notebook);

/** The runs of a notebook. */
class Runs {
  #notebook;
  /** @type {Map<string, number>} our turns, by the ids of the cells that we run */
  #own = new Map();
  /** @type {Map<string, Runner[]>} */
  #others = new Map();
  /** @type {Map<string, number>} how many runs of a cell have not ended yet */
  #active = new Map();
  /** @type {Map<string, any>} the application's views of cells that we run */
  #views = new Map();
  /** Cells whose run has let go. */
  #released = new Set();
  #isTelling = false;
  /** @type {Set<string>} cells that the open question is about */
  #asked = new Set();
  /** @type {Promise<boolean> | undefined} */
  question;

  /** @param {any} notebook */
  constructor(notebook) {
    this.#notebook = notebook;
    notebook.awareness.on("change", () => this.#hear());
  }

  /** @param {string} id */
  isRunning = (id) => this.#own.has(id) || this.#others.has(id);
  /** @param {string} id */
  hasOther = (id) => this.#others.has(id);
  /** @param {string} id */
  isReleased = (id) => this.#released.has(id);

  /** @param {string} id @param {boolean} isRunning here @param {any[]} cells among them that one */
  note(id, isRunning, cells = this.#notebook.cells) {
    if (isRunning === this.#own.has(id)) return;
    const before = this.isRunning(id);
    if (isRunning) {
      const turns = (this.#others.get(id) ?? []).map(({ turn }) => turn);
      this.#own.set(id, 1 + Math.max(0, ...turns));
      this.#released.delete(id);
    } else this.#own.delete(id);
    this.#tellSoon();
    if (before !== this.isRunning(id)) show(cells, new Set([id]));
  }

  /**
   * Ask before cells are run that others are running: one question for all that are run at once.
   * Those that come later wait for it as well, so the cells run in their order.
   * @param {string} id @param {(names: string[]) => Promise<boolean>} confirm
   * @returns {Promise<boolean>} whether to run it
   */
  ask(id, confirm) {
    if (this.hasOther(id)) this.#asked.add(id);
    this.question ??= this.#ask(confirm).finally(() => {
      this.question = undefined;
      this.#asked.clear();
    });
    return this.question;
  }

  /** @param {(names: string[]) => Promise<boolean>} confirm */
  async #ask(confirm) {
    const runners = [...this.#asked].flatMap((id) => this.#others.get(id) ?? []);
    if (!(await confirm([...new Set(runners.map(({ name }) => name))]))) return false;
    for (const id of this.#asked) this.note(id, true);
    const isFree = () => ![...this.#asked].some(this.hasOther);
    const { awareness } = this.#notebook;
    await new Promise((/** @type {(free?: undefined) => void} */ resolve) => {
      const check = () => {
        if (!isFree()) return;
        awareness.off("change", check);
        resolve();
      };
      awareness.on("change", check);
      setTimeout(() => (awareness.off("change", check), resolve()), LET_GO_MS);
      check();
    });
    return true;
  }

  /**
   * @template T
   * @param {any} view of the cell @param {() => Promise<T>} run
   * @returns {Promise<T>}
   */
  async run(view, run) {
    const { id } = view.model;
    this.#views.set(id, view);
    this.#active.set(id, (this.#active.get(id) ?? 0) + 1);
    try {
      return await run();
    } finally {
      const left = (this.#active.get(id) ?? 1) - 1;
      this.#active.set(id, left);
      if (left === 0) {
        this.#active.delete(id);
        this.#views.delete(id);
        this.#released.delete(id);
        this.note(id, false);
      }
    }
  }

  #hear() {
    const { awareness } = this.#notebook;
    const before = new Set(this.#others.keys());
    this.#others = runnersOf(awareness.getStates(), awareness.clientID);
    for (const [id, turn] of [...this.#own]) {
      const mine = { client: awareness.clientID, turn };
      const isBehind = this.#others.get(id)?.some((other) => isAhead(mine, other));
      if (isBehind && this.#views.has(id)) this.#letGo(id);
    }
    const changed = [...before, ...this.#others.keys()].filter(
      (id) => before.has(id) !== this.#others.has(id) && !this.#own.has(id),
    );
    if (changed.length > 0) show(this.#notebook.cells, new Set(changed));
  }

  /** Let the kernel go on, and leave the cell to the other. @param {string} id */
  #letGo(id) {
    const { outputArea, model } = this.#views.get(id);
    this.#own.delete(id);
    this.#released.add(id);
    outputArea.detachFuture();
    takeBackOutputs(model.sharedModel);
    this.#tellSoon();
  }

  /** Tell the others which cells run here; once, if many begin at once. */
  #tellSoon() {
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      const running = Object.fromEntries([...this.#own].slice(0, MOST_TOLD));
      this.#notebook.awareness.setLocalStateField("running", running);
    });
  }
}

/**
 * Have the application show cells anew.
 * @param {any[]} cells @param {Set<string>} ids of those that changed
 */
function show(cells, ids) {
  for (const cell of cells) {
    if (!ids.has(cell.getId())) continue;
    const newValue = cell.executionState;
    const oldValue = newValue === "running" ? "idle" : "running";
    cell.changed.emit({ executionStateChange: { oldValue, newValue } });
  }
}

/** @param {any} notebook YNotebook that is shown */
export const showRuns = (notebook) => void here.set(notebook, new Runs(notebook));

/**
 * Patch the application so that it reads and tells what runs by the awareness. Call this once,
 * before the first document is made.
 * @param {any} YCodeCell of @jupyter/ydoc
 */
export function keepRunsHere({ prototype }) {
  const inDocument = /** @type {any} */ (
    Object.getOwnPropertyDescriptor(prototype, "executionState")
  );
  Object.defineProperty(prototype, "executionState", {
    configurable: true,
    get() {
      const runs = runsOf(this);
      if (!runs) return inDocument.get.call(this);
      return runs.isRunning(this.getId()) ? "running" : "idle";
    },
    set(state) {
      const runs = runsOf(this);
      if (!runs) inDocument.set.call(this, state);
      else runs.note(this.getId(), state === "running", [this]);
    },
  });
  const { setExecutionCount, getChanges } = prototype;
  prototype.setExecutionCount = function (/** @type {number | null} */ count) {
    if (count !== null && runsOf(this)?.isReleased(this.getId())) return;
    setExecutionCount.call(this, count);
  };
  prototype.getChanges = function (/** @type {any[]} */ events) {
    // A key that was set and deleted in one change has changed for nobody, and JupyterLab fails.
    for (const { target, keysChanged, changes } of events)
      if (target === this.ymodel)
        for (const key of [...keysChanged]) if (!changes.keys.has(key)) keysChanged.delete(key);
    return getChanges.call(this, events);
  };
}

/**
 * Guard the application's runner of cells.
 * @param {(options: any) => Promise<boolean>} runCell of @jupyterlab/notebook
 * @param {(names: string[]) => Promise<boolean>} confirm asks whether to run what others are running
 */
export const guarded = (runCell, confirm) => async (/** @type {any} */ options) => {
  const { cell, notebook } = options;
  const runs = here.get(notebook.sharedModel);
  if (!runs || cell.model.type !== "code") return runCell(options);
  if (runs.question || runs.hasOther(cell.model.id))
    if (!(await runs.ask(cell.model.id, confirm))) return false;
  return runs.run(cell, () => runCell(options));
};

/**
 * Make the plugin that runs cells. It takes the place of jupyter-collaboration's, which does the same
 * without a guard.
 * @param {any} notebook @jupyterlab/notebook @param {any} apputils @jupyterlab/apputils
 * @param {any} widgets @lumino/widgets
 */
export function runnerPlugin(notebook, { Dialog, showDialog }, { Widget }) {
  const confirm = async (/** @type {string[]} */ names) => {
    const body = new Widget();
    body.node.textContent = asked(names);
    const { button } = await showDialog({
      title: "Run it too?",
      body,
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: "Run it too" })],
    });
    return button.accept;
  };
  return {
    id: "pyodide-rtc:runner",
    description: "Runs cells, and asks first if somebody else is running them",
    autoStart: true,
    provides: notebook.INotebookCellExecutor,
    activate: () => Object.freeze({ runCell: guarded(notebook.runCell, confirm) }),
  };
}
