// @ts-check
/**
 * The page's half of page_comms.py: what shared widgets say on their page goes to the kernel through
 * a channel of the browser, past the messages that wait behind the running cell.
 *
 * A widget's model sends by its `comm`. Here `comm.send` is another function for as long as the
 * widget is shared. The kernel acknowledges each message; the model holds back further changes until
 * then, as ipywidgets does, so the last value always goes.
 *
 * A page that has changed a text takes no text of the kernel until the kernel has seen the change,
 * and has sent what it made of it: else what is being typed would vanish for a moment.
 */

/** @typedef {{iopub?: {status?: (message: object) => void}}} Callbacks */
/** @typedef {{comm: string, number: number, data: any, before: Record<string, string>}} Message */

/** One shared widget on the page. */
class SharedWidget {
  #model;
  #texts;
  #post;
  #number = 0;
  /** @type {Map<number, Callbacks | undefined>} what the kernel has not acknowledged yet */
  #open = new Map();
  /** @type {Map<string, string>} each text as the kernel and the page had it last in common */
  #common = new Map();

  /**
   * @param {any} model of the widget
   * @param {string[]} texts the names of its traits that people type
   * @param {(message: Message) => void} post sends to the kernel
   */
  constructor(model, texts, post) {
    this.#model = model;
    this.#texts = texts;
    this.#post = post;
    for (const name of texts) {
      this.#common.set(name, model.get(name));
    }
    const send = model.comm.send;
    model.comm.send = (
      /** @type {any} */ data,
      /** @type {Callbacks} */ callbacks,
      /** @type {unknown} */ metadata,
      /** @type {unknown[]} */ buffers,
    ) => {
      const isPlain = !buffers?.length && (data.method === "update" || data.method === "custom");
      return isPlain ? this.#send(data, callbacks)
        : send.call(model.comm, data, callbacks, metadata, buffers);
    };
    model.set_state = (/** @type {Record<string, any>} */ state) => this.#take(state);
  }

  /** The kernel has this message, and sends what it makes of it after this. @param {number} number */
  acknowledge(number) {
    const callbacks = this.#open.get(number);
    this.#open.delete(number);
    callbacks?.iopub?.status?.({ content: { execution_state: "idle" } });
  }

  /** Let the widget be as it was. */
  release() {
    delete this.#model.set_state;
    if (this.#model.comm) { // else the widget is closed
      delete this.#model.comm.send;
    }
    for (const number of [...this.#open.keys()]) {
      this.acknowledge(number);
    }
  }

  /** @param {any} data @param {Callbacks} callbacks */
  #send(data, callbacks) {
    const number = ++this.#number;
    this.#open.set(number, callbacks);
    /** @type {Record<string, string>} */
    const before = {};
    for (const [name, value] of Object.entries(data.state ?? {})) {
      const common = this.#common.get(name);
      if (common !== undefined) {
        before[name] = common;
        this.#common.set(name, value);
      }
    }
    this.#post({ comm: this.#model.comm.comm_id, number, data, before });
    return `pyodide-rtc-${number}`;
  }

  /** Take what the kernel has sent. @param {Record<string, any>} state */
  #take(state) {
    const taken = { ...state };
    for (const name of this.#texts.filter((text) => text in taken)) {
      if (this.#open.size > 0 || this.#model.get(name) !== this.#common.get(name)) {
        delete taken[name];
      } else {
        this.#common.set(name, taken[name]);
      }
    }
    const set = () => Object.getPrototypeOf(this.#model).set_state.call(this.#model, taken);
    const changed = this.#texts.find((name) => name in taken);
    changed === undefined ? set() : keepCursor(this.#model.get(changed), taken[changed], set);
  }
}

/**
 * Set a text, and have the cursor of who types in it where it was among the characters around it.
 * @param {string} before @param {string} after @param {() => void} set
 */
function keepCursor(before, after, set) {
  const field = document.activeElement;
  const isField = field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement;
  if (!isField || field.value !== before || before === after) {
    set();
    return;
  }
  const { selectionStart, selectionEnd, selectionDirection, scrollTop } = field;
  set();
  if (field.value === after && selectionStart !== null && selectionEnd !== null) {
    const [start, end] = [selectionStart, selectionEnd].map((at) => moved(at, before, after));
    field.setSelectionRange(start, end, selectionDirection ?? undefined);
    field.scrollTop = scrollTop;
  }
}

/**
 * Tell where a place of a text is once something between two equal ends was replaced.
 * @param {number} place @param {string} before @param {string} after
 */
export function moved(place, before, after) {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before[start] === after[start]) {
    start++;
  }
  let end = 0;
  while (end < most - start && before.at(-1 - end) === after.at(-1 - end)) {
    end++;
  }
  if (place <= start) {
    return place;
  }
  return Math.max(place >= before.length - end ? place + after.length - before.length : start,
    Math.min(place, after.length - end));
}

export default {
  /** @param {{model: any}} context */
  initialize({ model }) {
    const channel = new BroadcastChannel(model.get("channel"));
    const encoder = new TextEncoder();
    /** @type {Map<string, Promise<SharedWidget | undefined>>} */
    const shared = new Map();
    const post = (/** @type {Message} */ message) =>
      channel.postMessage(encoder.encode(JSON.stringify(message)));

    const share = async (/** @type {string} */ id, /** @type {string[]} */ texts) => {
      const widget = await model.widget_manager.get_model(id);
      return widget.comm && new SharedWidget(widget, texts, post);
    };
    const update = () => {
      const wanted = model.get("widgets");
      for (const [id, widget] of shared) {
        if (!(id in wanted)) {
          shared.delete(id);
          void widget.then((each) => each?.release());
        }
      }
      for (const id of Object.keys(wanted).filter((each) => !shared.has(each))) {
        shared.set(id, share(id, wanted[id]));
      }
    };
    model.on("change:widgets", update);
    model.on("msg:custom", (/** @type {{comm: string, number: number}} */ { comm, number }) => {
      void shared.get(comm)?.then((widget) => widget?.acknowledge(number));
    });
    update();
    return () => {
      channel.close();
      for (const widget of shared.values()) {
        void widget.then((each) => each?.release());
      }
    };
  },
};
