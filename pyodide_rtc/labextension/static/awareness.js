// @ts-check
/**
 * Connects a Yjs awareness of the application with the engine. Each message of the engine has all
 * states of the others, in order. So no clocks are needed, and no second copy of y-protocols.
 */

/** @param {unknown} state @returns {string | undefined} */
const asText = (state) => (state ? JSON.stringify(state) : undefined);

export class AwarenessLink {
  #awareness;
  #show;
  /** @type {string | undefined} */
  #shown;

  /**
   * @param {any} awareness
   * @param {(client: number, state: string | undefined) => void} show sends our state to the others
   */
  constructor(awareness, show) {
    this.#awareness = awareness;
    this.#show = show;
    awareness.on("change", this.#onChange);
    this.#onChange({ added: [awareness.clientID], updated: [] }, "local");
  }

  /**
   * Apply the states of the others.
   * @param {string} text JSON of `[[client id, state], ...]`
   */
  take(text) {
    const { states, meta, clientID } = this.#awareness;
    const told = new Map(JSON.parse(text));
    told.delete(clientID); // our own state comes from nobody else
    const added = [...told.keys()].filter((client) => !states.has(client));
    const removed = [...states.keys()].filter((client) => client !== clientID && !told.has(client));
    const updated = [...told.keys()].filter(
      (client) => states.has(client) && asText(states.get(client)) !== asText(told.get(client)),
    );
    for (const client of removed) {
      states.delete(client);
      meta.delete(client);
    }
    for (const client of [...added, ...updated]) {
      states.set(client, told.get(client));
      // The engine reports who has gone. The awareness itself must not time anybody out.
      meta.set(client, { clock: 0, lastUpdated: Infinity });
    }
    const changes = { added, updated, removed };
    if (added.length + updated.length + removed.length === 0) return;
    this.#awareness.emit("change", [changes, this]);
    this.#awareness.emit("update", [changes, this]);
  }

  /** Show our own state to an engine that was started again. */
  showAgain() {
    this.#shown = undefined;
    this.#onChange({ added: [this.#awareness.clientID], updated: [] }, "local");
  }

  close() {
    this.#awareness.off("change", this.#onChange);
  }

  /** Send our own state, if it is what has changed. */
  #onChange = (/** @type {any} */ { added, updated, removed = [] }, /** @type {unknown} */ origin) => {
    const { clientID } = this.#awareness;
    if (origin === this || ![...added, ...updated, ...removed].includes(clientID)) return;
    const state = asText(this.#awareness.getLocalState());
    if (state === this.#shown) return;
    this.#shown = state;
    this.#show(clientID, state);
  };
}
