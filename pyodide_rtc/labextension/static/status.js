// @ts-check
/**
 * Shows how the room is, and how far the document in front is shared. The sentences are the engine's
 * (port.py). While it is not up, this says so.
 */

import { Notices } from "./notices.js";
// @ts-expect-error: it is beside this file once it is installed; its source is in panel/
import { createPanel } from "./panel.js";
// @ts-expect-error: beside this file it has another name than in vendored/
import { encode } from "./uqr.js";
import { CHANGE_USER } from "./user.js";

/** @typedef {{name: string, color: string}} Person */
/** @typedef {{id: string, label: string}} Shown */

const STARTING = "The engine is starting. What you edit is shared as soon as it is there.";

/** What is said of the document in front, in the fewest words. */
const DOCUMENT = /** @type {Record<string, string>} */ ({
  synced: "in sync",
  syncing: "syncing",
  looking: "looking for it",
});
/** The same of what stands in the way; the first one that there is counts. */
const TROUBLE = /** @type {Record<string, string>} */ ({
  failed: "not shared",
  merge: "not merged",
  webrtc: "WebRTC is blocked",
  path: "no network path",
  password: "another password",
  signaling: "no signaling server",
});

const STYLE = `
#pyodide-rtc-status { display: flex; align-items: center; min-width: 0; max-height: 28px; }
#pyodide-rtc-room {
  display: flex; align-items: center; min-width: 0; max-width: min(80vw, 480px); height: 100%;
  padding: 0 6px; border: 0; background: none; cursor: pointer;
  color: var(--jp-ui-font-color1); font: inherit; font-size: var(--jp-ui-font-size1);
}
#pyodide-rtc-room > span { flex: none; white-space: pre; }
#pyodide-rtc-room > .pyodide-rtc-name { flex: 0 1 auto; overflow: hidden; text-overflow: ellipsis; }
@media (max-width: 500px) { #pyodide-rtc-room > .pyodide-rtc-name { display: none; } }
#pyodide-rtc-room:hover { background: var(--jp-layout-color3); }
#pyodide-rtc-room:focus-visible { outline: 2px solid var(--jp-brand-color1); outline-offset: -2px; }
#pyodide-rtc-room::before {
  content: ""; flex: none; box-sizing: border-box; width: 9px; height: 9px; margin-right: 6px;
  border-radius: 50%;
  border: 2px solid var(--jp-ui-font-color2);
}
#pyodide-rtc-room[data-state="synced"]::before {
  border-color: var(--jp-success-color1); background: var(--jp-success-color1);
}
#pyodide-rtc-room[data-state="syncing"]::before { border-color: var(--jp-brand-color1); }
#pyodide-rtc-room[data-state="trouble"]::before {
  border-color: var(--jp-warn-color1); background: var(--jp-warn-color1); border-radius: 0;
}
#pyodide-rtc-room[data-state="stopped"]::before {
  border-color: var(--jp-error-color1); background: var(--jp-error-color1); border-radius: 0;
}
#menu-panel #pyodide-rtc-status { flex: none; }
.pyodide-rtc-spoken {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
.pyodide-rtc-about, .pyodide-rtc-user { max-width: 480px; overflow: auto; }
.pyodide-rtc-about { width: min(480px, calc(100vw - 80px)); }
.pyodide-rtc-about .prtc-body { padding: 2px; border: 0; }
.pyodide-rtc-user p { margin: 0 0 8px; overflow-wrap: anywhere; }
.pyodide-rtc-user label { display: flex; flex-direction: column; gap: 4px; margin-bottom: 8px; }
.pyodide-rtc-user input[type="text"] { width: 100%; box-sizing: border-box; }
.pyodide-rtc-user input[type="color"] { width: 64px; height: 28px; padding: 0; }
.pyodide-rtc-dialog .jp-Dialog-footerButtons {
  display: flex; flex-wrap: wrap; row-gap: 8px; justify-content: flex-end;
}
.pyodide-rtc-dialog .jp-Dialog-content { max-width: calc(100vw - 24px); min-width: 0; }
`;

export class Status {
  #room;
  #apputils;
  #widgets;
  #notices;
  /** @type {() => Shown | undefined} */
  #front = () => undefined;
  #why = STARTING;
  /** @type {"starting" | "running" | "stopped"} */
  #phase = "starting";
  #count = 1;
  /** @type {Person[]} */
  #people = [];
  /** @type {[string, string][]} those that the engine tells */
  #told = [];
  /** @type {Map<string, string>} those that the page notes itself */
  #noted = new Map();
  /** @type {Map<string, [string, string]>} word and sentence by document */
  #documents = new Map();
  /** @type {{show(model: any): void} | undefined} of the dialog that is open */
  #panel;
  /** @type {any} what the engine tells for it alone */
  #facts;
  /** @type {any} */
  #app;
  #spoken = "";
  #speaking = 0;
  #ask = (/** @type {boolean} */ isShown) => {};

  /**
   * @param {string} room
   * @param {{apputils: any, widgets: any}} packages
   */
  constructor(room, { apputils, widgets }) {
    this.#room = room;
    this.#apputils = apputils;
    this.#widgets = widgets;
    this.#notices = new Notices(apputils.Notification, () => this.open());
    const item = new widgets.Widget();
    item.id = "pyodide-rtc-status";
    this.item = item;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.id = "pyodide-rtc-room";
    this.button.setAttribute("aria-haspopup", "dialog");
    const name = document.createElement("span");
    name.className = "pyodide-rtc-name";
    name.textContent = `${room}: `; // on a narrow page there is room for the words only
    this.button.append(name, document.createElement("span"));
    this.button.onclick = () => void this.open();
    this.live = document.createElement("span");
    this.live.className = "pyodide-rtc-spoken";
    this.live.setAttribute("role", "status");
    this.live.setAttribute("aria-live", "polite");
    item.node.append(this.button, this.live);
    this.#update();
  }

  /**
   * Take a message of the engine about the page as a whole, or one of its client about the engine:
   * it has died, and is or was started again.
   * @param {string} operation @param {any[]} about
   */
  take(operation, about) {
    this.#receivers[operation]?.(...about);
  }

  #receivers = /** @type {Record<string, (...about: any[]) => void>} */ ({
    room: (/** @type {string} */ why, /** @type {number} */ count) => {
      this.#phase = "running";
      [this.#why, this.#count] = [why, count];
      this.#update();
    },
    people: (/** @type {string} */ text) => {
      this.#people = JSON.parse(text);
      this.#update();
    },
    panel: (/** @type {string} */ text) => {
      this.#facts = JSON.parse(text);
      this.#update();
    },
    troubles: (/** @type {string} */ text) => this.#setTroubles(JSON.parse(text)),
    document: (/** @type {string} */ key, /** @type {string} */ word, /** @type {string} */ said) => {
      this.#documents.set(key, [word, said]);
      this.#update();
    },
    restarting: () => this.#forget("starting", STARTING),
    restarted: () => {
      this.#forget("starting", STARTING);
      if (this.#panel) this.#ask(true);
    },
    stopped: (/** @type {string} */ reason) => {
      const why = `Nothing is shared with others: ${reason}. Reload the page.`;
      this.#forget("stopped", why, [["stopped", why]]);
      console.error(`pyodide-rtc: the engine has stopped: ${reason}`);
    },
  });

  /**
   * Note what is wrong in the page itself; without a sentence, that it is over.
   * @param {string} cause @param {string} [sentence]
   */
  note(cause, sentence) {
    const before = this.#noted.get(cause);
    if (sentence === before) return;
    if (sentence === undefined) this.#noted.delete(cause);
    else this.#noted.set(cause, sentence);
    this.#setTroubles(this.#told);
  }

  /**
   * Show it in the application.
   * @param {any} app @param {(path: string) => string | undefined} keyOf finds a document by its path
   * @param {(isShown: boolean) => void} ask tells the engine whether the dialog is open
   */
  attach(app, keyOf, ask) {
    this.#app = app;
    this.#ask = ask;
    const looks = document.createElement("link");
    Object.assign(looks, { rel: "stylesheet", href: new URL("panel.css", import.meta.url).href });
    document.head.append(looks);
    const style = document.createElement("style");
    style.textContent = STYLE;
    document.head.append(style);
    const { shell } = app;
    this.#front = () => {
      const path = shell.currentWidget?.context?.path;
      const id = path === undefined ? undefined : keyOf(path);
      return id === undefined ? undefined : { id, label: path };
    };
    shell.currentChanged?.connect(() => this.#update());
    this.#update();
  }

  /** Open the dialog that tells everything. */
  async open() {
    if (this.#panel) return;
    const body = new this.#widgets.Widget();
    body.addClass("pyodide-rtc-about");
    // The key has the name by which the others know it, behind the kind.
    const path = () => this.#front()?.id.replace(/^[^:]*:/, "");
    const panel = createPanel({ encode, path });
    body.node.append(panel.node);
    this.#panel = panel;
    this.#update();
    this.#ask(true);
    const { Dialog } = this.#apputils;
    const user = Dialog.cancelButton({ label: "Change Your Name…", actions: ["user"] });
    const canChange = this.#app?.commands.hasCommand(CHANGE_USER);
    const dialog = new Dialog({
      title: "Who is here",
      body,
      buttons: [...(canChange ? [user] : []), Dialog.okButton({ label: "Close" })],
    });
    dialog.addClass("pyodide-rtc-dialog");
    const { button } = await dialog.launch();
    this.#panel = undefined;
    this.#ask(false);
    if (button.actions.includes("user")) await this.#app.commands.execute(CHANGE_USER);
  }

  /** @param {[string, string][]} troubles */
  #setTroubles(troubles) {
    this.#told = troubles;
    this.#notices.show(this.#troubles);
    this.#update();
  }

  /**
   * The engine is not up: what it has told holds no longer.
   * @param {"starting" | "stopped"} phase @param {string} why @param {[string, string][]} troubles
   */
  #forget(phase, why, troubles = []) {
    [this.#phase, this.#why] = [phase, why];
    this.#documents.clear();
    this.#people = this.#people.slice(0, 1);
    this.#facts = undefined;
    this.#setTroubles(troubles);
  }

  get #troubles() {
    return [...this.#told, ...this.#noted];
  }

  /** What the document in front is said to be. */
  get #document() {
    const front = this.#front();
    return front && this.#documents.get(front.id);
  }

  /** @returns {[string, string]} the fewest words, and what kind of news they are */
  get #words() {
    if (this.#phase === "starting") return ["starting", "starting"];
    const has = (/** @type {string} */ cause) => this.#troubles.some(([one]) => one.startsWith(cause));
    if (this.#phase === "stopped" || has("failed")) return ["not shared", "stopped"];
    const people = `${this.#count} ${this.#count === 1 ? "person" : "people"}`;
    const trouble = Object.keys(TROUBLE).find(has);
    if (trouble) return [`${people}, ${TROUBLE[trouble]}`, "trouble"];
    const [word = ""] = this.#document ?? [];
    return [DOCUMENT[word] ? `${people}, ${DOCUMENT[word]}` : people, word];
  }

  #update() {
    const [words, state] = this.#words;
    const [, label] = this.button.children;
    if (label.textContent !== words) label.textContent = words;
    this.button.dataset.state = state;
    this.button.title = this.#why;
    this.#speak(`${this.#room}: ${words}`);
    this.#panel?.show(this.#model);
  }

  /** Have a screen reader say what has changed, once it stays so for a moment. @param {string} text */
  #speak(text) {
    if (text === this.#spoken) return;
    this.#spoken = text;
    clearTimeout(this.#speaking);
    this.#speaking = setTimeout(() => void (this.live.textContent = text), 500);
  }

  /** All that the dialog shows (panel/model.py): what the engine tells, and what the page knows. */
  get #model() {
    const front = this.#front();
    const notes = this.#troubles.map(([, sentence]) => sentence).filter((one) => one !== this.#why);
    const documents = [...this.#documents].map(([key, [state, about]]) => ({
      name: key.replace(/^[^:]*:/, ""),
      about,
      size: this.#facts?.sizes[key] ?? "",
      state,
      isFront: key === front?.id,
    }));
    const nothing = { tone: this.#phase === "starting" ? "busy" : "off", kept: null, servers: null };
    return {
      ...(this.#facts ?? nothing),
      people: this.#facts?.people ?? this.#people.map(plainRow),
      room: this.#room,
      sentence: this.#why,
      notes: [...new Set(notes)],
      documents: documents.sort((one, other) => Number(other.isFront) - Number(one.isFront)),
      invitation: { room: this.#room, link: "", is_of_page: true, has_password: false },
      actions: [],
    };
  }
}

/** Somebody of whom nothing more is known. @param {Person} person @param {number} index */
const plainRow = ({ name, color }, index) => ({
  name,
  color,
  initials: name.slice(0, 1).toUpperCase(),
  is_me: index === 0,
  state: "active",
  about: "",
  connection: "",
  is_synced: true,
  progress: [],
});
