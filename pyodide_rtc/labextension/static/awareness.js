// @ts-check
/**
 * Links a Yjs awareness of the application to the engine. The engine tells all that the others show
 * at once, in order; so neither clocks nor a second copy of y-protocols are needed.
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
   * @param {(client: number, state: string | undefined) => void} show tells the others
   */
  constructor(awareness, show) {
    this.#awareness = awareness;
    this.#show = show;
    awareness.on("change", this.#onChange);
    this.#onChange({ added: [awareness.clientID], updated: [] }, "local");
  }

  /**
   * Take what the others show.
   * @param {string} text JSON of `[[client id, state], ...]`
   */
  take(text) {
    const { states, meta, clientID } = this.#awareness;
    const told = new Map(JSON.parse(text));
    told.delete(clientID); // nobody else says what is shown of us
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
      // The engine tells when somebody has gone: the awareness is not to find out by silence.
      meta.set(client, { clock: 0, lastUpdated: Infinity });
    }
    const changes = { added, updated, removed };
    if (added.length + updated.length + removed.length === 0) return;
    this.#awareness.emit("change", [changes, this]);
    this.#awareness.emit("update", [changes, this]);
  }

  close() {
    this.#awareness.off("change", this.#onChange);
  }

  /** Tell what we show, if that is what has changed. */
  #onChange = (/** @type {any} */ { added, updated, removed = [] }, /** @type {unknown} */ origin) => {
    const { clientID } = this.#awareness;
    if (origin === this || ![...added, ...updated, ...removed].includes(clientID)) return;
    const state = asText(this.#awareness.getLocalState());
    if (state === this.#shown) return;
    this.#shown = state;
    this.#show(clientID, state);
  };
}
