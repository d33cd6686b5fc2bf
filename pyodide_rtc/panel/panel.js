// @ts-check
/**
 * Draws what model.py describes, in a notebook (widget.js) and in the application's dialog
 * (status.js). It decides nothing, and all that it is given is text: nothing becomes HTML.
 */

/**
 * @typedef {{words: string, share: number}} Progress
 * @typedef {{name: string, color: string, initials: string, is_me: boolean, state: string,
 *   about: string, connection: string, is_synced: boolean, progress: Progress[]}} PersonRow
 * @typedef {{name: string, about: string, size: string, state: string}} DocumentRow
 * @typedef {{url: string, about: string, is_reached: boolean}} ServerRow
 * @typedef {{room: string, link: string, is_of_page: boolean, has_password: boolean}} Invitation
 * @typedef {object} PanelModel
 * @property {string} room
 * @property {string} tone
 * @property {string} sentence
 * @property {string[]} notes
 * @property {PersonRow[]} people
 * @property {DocumentRow[]} documents
 * @property {{about: string, is_kept: boolean} | null} kept
 * @property {ServerRow[] | null} servers
 * @property {Invitation | null} invitation
 * @property {string[]} actions
 * @typedef {(text: string, options: {ecc: "M", border: number}) => {data: boolean[][]}} Encode of uqr
 */

/** An action that is not done by then waits for the cell that runs: it says so. */
const PATIENCE_MS = 700;

const BUSY = "Python is busy. This is done as soon as the running cell has ended.";

const LABELS = /** @type {Record<string, string>} */ ({
  leave: "Leave",
  rejoin: "Join again",
  forget: "Forget what is stored…",
});

const QUIET_ZONE = 4;

/**
 * A link for friends: to the room, and to a document in it; without one's own name.
 * @param {string} room @param {string | undefined} path of the document
 */
export function linkTo(room, path) {
  const url = new URL(location.pathname, location.href);
  const query = new URLSearchParams(path === undefined ? { room } : { room, path });
  url.search = `${query}`.replaceAll("%2F", "/");
  return url.href;
}

/**
 * Make a panel.
 * @param {object} options
 * @param {Encode} options.encode draws QR codes
 * @param {(action: string) => Promise<string>} [options.act] does an action, and gives what went
 *   wrong, empty if nothing did; without it the panel has no actions
 * @param {() => string | undefined} [options.path] of the document that a link leads to
 * @returns {{node: HTMLElement, show(model: PanelModel): void}}
 */
export function createPanel({ encode, act, path = () => undefined }) {
  const node = make("section", "prtc-panel");
  const room = make("h3", "prtc-room");
  const sentence = make("p", "prtc-sentence");
  sentence.setAttribute("role", "status");
  sentence.setAttribute("aria-live", "polite");
  const notes = make("div", "prtc-notes");
  const head = make("div", "prtc-head", room, sentence, notes);
  const people = part("People", "ul");
  const documents = part("Documents", "ul");
  const kept = part("Stored", "p");
  const servers = part("Signaling", "ul");
  const invitation = invite(encode);
  const actions = act && actionBar(act);
  node.append(
    make(
      "div",
      "prtc-body",
      head,
      make("div", "prtc-who", people.node),
      make("div", "prtc-what", documents.node, kept.node, servers.node),
      make("div", "prtc-how", invitation.node, ...(actions ? [actions.node] : [])),
    ),
  );

  /** @type {Map<unknown, string>} what each part shows, so that nothing is drawn twice */
  const drawn = new Map();
  /** @param {unknown} place @param {unknown} value @param {() => void} draw */
  const draw = (place, value, draw) => {
    const text = JSON.stringify(value) ?? "";
    if (drawn.get(place) === text) return;
    drawn.set(place, text);
    draw();
  };

  const show = (/** @type {PanelModel} */ model) => {
    draw(head, [model.room, model.tone], () => {
      room.textContent = model.room;
      node.setAttribute("aria-label", `Room ${model.room}`);
      node.dataset.tone = model.tone;
    });
    draw(sentence, model.sentence, () => void (sentence.textContent = model.sentence));
    draw(notes, model.notes, () => notes.replaceChildren(...model.notes.map((one) => make("p", "", one))));
    draw(people, model.people, () => people.fill(model.people.map(personItem)));
    draw(documents, model.documents, () => documents.fill(model.documents.map(documentItem)));
    draw(kept, model.kept, () => kept.fill(model.kept ? [model.kept.about] : []));
    draw(servers, model.servers, () => servers.fill((model.servers ?? []).map(serverItem)));
    const { room: name, is_of_page: isOfPage, link: given } = model.invitation ?? { room: "" };
    const where = isOfPage ? path() : undefined;
    const link = where === undefined && given ? given : name && linkTo(name, where);
    draw(invitation, [model.invitation, link], () => invitation.show(model.invitation, link ?? ""));
    draw(actions, [model.actions, model.room], () => actions?.show(model.actions, model.room));
  };
  return { node, show };
}

/**
 * @param {string} tag @param {string} className @param {(Node | string)[]} children
 * @returns {HTMLElement}
 */
function make(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** @param {string} label @param {string} className @param {() => void} onclick */
function makeButton(label, className, onclick) {
  const made = /** @type {HTMLButtonElement} */ (make("button", `prtc-button ${className}`, label));
  made.type = "button";
  made.onclick = onclick;
  return made;
}

/** A part with a heading, hidden while it is empty. @param {string} title @param {string} tag */
function part(title, tag) {
  const body = make(tag, "prtc-content");
  const node = make("section", "prtc-part", make("h4", "prtc-title", title), body);
  node.hidden = true;
  return {
    node,
    /** @param {(Node | string)[]} children */
    fill(children) {
      node.hidden = children.length === 0;
      body.replaceChildren(...children);
    },
  };
}

/** @param {PersonRow} person */
function personItem({ name, color, initials, is_me, state, about, connection, is_synced, progress }) {
  const badge = make("span", "prtc-badge", initials);
  badge.setAttribute("aria-hidden", "true");
  badge.style.backgroundColor = color;
  badge.style.color = isBright(color) ? "#000" : "#fff";
  const label = make("span", "prtc-name", name);
  const words = make("span", "prtc-words", make("span", "prtc-line", label, is_me ? " (you)" : ""));
  if (connection) {
    const way = make("span", "prtc-way", connection);
    way.dataset.synced = `${is_synced}`;
    words.append(way);
  }
  if (about) words.append(make("span", "prtc-about", about));
  words.append(...progress.map(progressBar));
  const item = make("li", "prtc-row prtc-person", badge, words);
  item.dataset.state = state;
  return item;
}

/** @param {Progress} progress */
function progressBar({ words, share }) {
  const bar = /** @type {HTMLProgressElement} */ (document.createElement("progress"));
  bar.value = Math.min(Math.max(share, 0), 1);
  return make("label", "prtc-progress", make("span", "", words), bar);
}

/** Whether black is read better on a colour than white. @param {string} color as `#rrggbb` */
function isBright(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const channel = parseInt(color.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.25;
}

/** @param {DocumentRow} document */
function documentItem({ name, about, size, state }) {
  const words = make("span", "prtc-words", make("span", "prtc-name", name));
  if (about) words.append(make("span", "prtc-about", about));
  const item = make("li", "prtc-row", words);
  item.dataset.state = state;
  if (size) item.append(make("span", "prtc-size", size));
  return item;
}

/** @param {ServerRow} server */
function serverItem({ url, about, is_reached }) {
  const words = make("span", "prtc-words", make("span", "prtc-url", url), make("span", "prtc-about", about));
  const item = make("li", "prtc-row prtc-server", words);
  item.dataset.reached = `${is_reached}`;
  return item;
}

// The invitation.

/** @param {Encode} encode */
function invite(encode) {
  const input = /** @type {HTMLInputElement} */ (make("input", "prtc-link"));
  input.readOnly = true;
  input.setAttribute("aria-label", "Link to this room");
  input.onfocus = () => input.select();
  const told = make("p", "prtc-told");
  told.setAttribute("role", "status");
  const password = make("p", "prtc-about prtc-password", "They need the password, too: the link does not have it.");
  const code = make("div", "prtc-code");
  code.hidden = true;
  const copy = makeButton("Copy link", "prtc-copy", async () => {
    told.textContent = (await copied(input)) ? "The link is copied." : "Press Ctrl+C to copy the link.";
  });
  const drawCode = () => {
    const modules = code.hidden ? undefined : qrModules(encode, input.value);
    code.replaceChildren(modules ? picture(modules, input.value) : "The link is too long for a QR code.");
  };
  const toggle = makeButton("Show QR code", "prtc-toggle", () => {
    code.hidden = !code.hidden;
    toggle.textContent = code.hidden ? "Show QR code" : "Hide QR code";
    toggle.setAttribute("aria-expanded", `${!code.hidden}`);
    drawCode();
  });
  toggle.setAttribute("aria-expanded", "false");
  const buttons = make("div", "prtc-buttons", copy, toggle);
  const { node, fill } = part("Invite somebody", "div");
  fill([input, buttons, told, password, code]);
  node.hidden = true;
  return {
    node,
    /** @param {Invitation | null} invitation @param {string} link */
    show(invitation, link) {
      node.hidden = !link;
      password.hidden = !invitation?.has_password;
      if (input.value === link) return;
      input.value = link;
      told.textContent = "";
      drawCode();
    },
  };
}

/** @param {HTMLInputElement} input @returns {Promise<boolean>} whether its text is in the clipboard */
async function copied(input) {
  try {
    await navigator.clipboard.writeText(input.value);
    return true;
  } catch {
    input.focus(); // the page did not come by https:
    input.select();
    return document.execCommand("copy");
  }
}

/**
 * Return the modules of a link's QR code and of the quiet zone around it, row by row: true is dark.
 * Of the code's level, M, 15 % may be unreadable.
 * @param {Encode} encode @param {string} link
 * @returns {boolean[][] | undefined} undefined if the link is too long for any code
 */
export function qrModules(encode, link) {
  try {
    return encode(link, { ecc: "M", border: QUIET_ZONE }).data;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}

/** @param {boolean[][]} modules @param {string} link */
function picture(modules, link) {
  const space = "http://www.w3.org/2000/svg";
  const size = modules.length;
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `QR code of ${link}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  const dark = document.createElementNS(space, "path");
  const squares = modules.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : [])),
  );
  dark.setAttribute("d", squares.join(""));
  svg.append(dark);
  return svg;
}

// What can be done.

/** @param {(action: string) => Promise<string>} act */
function actionBar(act) {
  const told = make("p", "prtc-told");
  told.setAttribute("role", "status");
  const sure = make("p", "prtc-question");
  sure.id = `prtc-question-${crypto.randomUUID?.() ?? Math.random()}`;
  let shown = /** @type {string[]} */ ([]);
  let isWaiting = false;
  const look = () => void (node.hidden = shown.length === 0 && !isWaiting && told.textContent === "");

  const run = async (/** @type {string} */ action) => {
    if (isWaiting) return;
    isWaiting = true;
    told.textContent = "";
    told.classList.remove("prtc-error");
    node.setAttribute("aria-busy", "true");
    const timer = setTimeout(() => void (told.textContent = BUSY), PATIENCE_MS);
    const error = await act(action);
    clearTimeout(timer);
    isWaiting = false;
    node.removeAttribute("aria-busy");
    told.textContent = error;
    told.classList.toggle("prtc-error", error !== "");
    look();
  };
  const ask = (/** @type {boolean} */ isAsking) => {
    question.hidden = !isAsking;
    buttons.get("forget")?.setAttribute("aria-expanded", `${isAsking}`);
    (isAsking ? keep : buttons.get("forget"))?.focus();
  };
  const keep = makeButton("Keep it", "", () => ask(false));
  const forget = makeButton("Forget it", "prtc-danger", () => {
    ask(false);
    run("forget");
  });
  const question = make("div", "prtc-ask", sure, make("div", "prtc-buttons", keep, forget));
  question.hidden = true;
  question.setAttribute("role", "group");
  question.setAttribute("aria-labelledby", sure.id);
  question.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    ask(false);
  };
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map(
    Object.entries(LABELS).map(([action, label]) => {
      const isQuestion = action === "forget";
      return [
        action,
        makeButton(label, `prtc-${action}`, () => (isQuestion ? ask(question.hidden) : run(action))),
      ];
    }),
  );
  buttons.get("forget")?.setAttribute("aria-expanded", "false");
  const bar = make("div", "prtc-buttons", ...buttons.values());
  const node = make("section", "prtc-part prtc-actions", bar, question, told);
  node.setAttribute("aria-label", "What you can do");
  return {
    node,
    /** @param {string[]} actions @param {string} room */
    show(actions, room) {
      shown = actions;
      sure.textContent =
        `Leave ${room}, and remove all that this browser keeps of it? The others keep theirs.`;
      const focused = document.activeElement;
      buttons.forEach((button, action) => void (button.hidden = !actions.includes(action)));
      if (!actions.includes("forget")) question.hidden = true;
      look();
      // Who used a button that is gone goes on at the next one.
      if (focused instanceof HTMLElement && node.contains(focused) && focused.closest("[hidden]"))
        [...buttons.values()].find((button) => !button.hidden)?.focus();
    },
  };
}
