// @ts-check
/**
 * Who sits at the page. The engine decides the name and the colour (identity.py). The page keeps
 * what somebody gave, for all tabs of this browser and their kernels (host.js), and asks for it.
 */

// @ts-expect-error: it is beside this file once it is installed; its source is in browser/
import { keepUser } from "./host.js";

/** @typedef {{username: string, name: string, display_name: string, initials: string, color: string}} Identity */

export const CHANGE_USER = "pyodide-rtc:change-user";

const MAX_NAME_CHARS = 60; // as identity.py has it, which cuts what is longer

/** The fields of jupyter-collaboration's own form that can be changed. */
const UPDATABLE = ["display_name", "color"];

export class PageUser {
  /** @type {Identity | undefined} */
  #identity;
  #known = () => {};
  #isKnown = new Promise((resolve) => void (this.#known = () => resolve(undefined)));
  /** @type {any} */
  #manager;

  get identity() {
    return this.#identity;
  }

  /** @param {string} text JSON of the identity that the engine has computed */
  async take(text) {
    this.#identity = JSON.parse(text);
    this.#known();
    await this.#manager?.ready;
    this.#manager?.refreshUser();
  }

  /** @param {any} services @param {any} serverSettings @returns the user manager of the application */
  manager(services, serverSettings) {
    const get = async () => {
      await this.#isKnown;
      return { identity: { ...this.#identity }, permissions: { updatable_fields: UPDATABLE } };
    };
    this.#manager = new services.UserManager({
      serverSettings: serverSettings ?? undefined,
      userApiClient: { get },
      standby: "never", // the name in a hidden tab changes, too
    });
    // It reports its first user before it is ready; the menu shows only one reported afterwards.
    const { userChanged } = this.#manager;
    this.#manager.ready.then(() =>
      userChanged.emit({ identity: this.#identity, permissions: { updatable_fields: UPDATABLE } }),
    );
    return this.#manager;
  }

  /**
   * Answer jupyter-collaboration's own form, which asks a Jupyter server to change the user.
   * @param {any} serverSettings of the application
   */
  answerForm(serverSettings) {
    const { fetch } = serverSettings;
    serverSettings.fetch = async (/** @type {any} */ request, /** @type {any[]} */ ...others) => {
      const isForm = request?.method === "PATCH" && /\/api\/me$/.test(new URL(request.url).pathname);
      if (!isForm) return fetch.call(null, request, ...others);
      const { display_name: name = this.#identity?.name, color = this.#identity?.color } =
        await request.json();
      keepUser({ name, color });
      return new Response("{}");
    };
  }
}

/**
 * Ask for name and colour.
 * @param {PageUser} user @param {any} apputils @param {any} widgets
 */
async function askUser(user, apputils, widgets) {
  const body = new widgets.Widget();
  body.addClass("pyodide-rtc-user");
  const name = document.createElement("input");
  Object.assign(name, { type: "text", maxLength: MAX_NAME_CHARS, value: user.identity?.name ?? "" });
  name.className = "jp-mod-styled";
  const color = document.createElement("input");
  Object.assign(color, { type: "color", value: user.identity?.color ?? "#808080" });
  for (const [text, input] of /** @type {const} */ ([["Name", name], ["Color", color]])) {
    const label = document.createElement("label");
    label.append(text, input);
    body.node.append(label);
  }
  const hint = document.createElement("p");
  hint.textContent =
    "Everybody in your rooms sees them. This browser keeps them. Without a name you get one.";
  body.node.append(hint);
  body.getValue = () => ({ name: name.value.trim(), color: color.value });
  const { button, value } = await apputils.showDialog({
    title: "Your name and color",
    body,
    buttons: [apputils.Dialog.cancelButton(), apputils.Dialog.okButton({ label: "Change" })],
    focusNodeSelector: "input",
  });
  if (button.accept && value) keepUser(value);
}

/**
 * Make the plugins by which the application knows who sits at the page, and people change it.
 * @param {PageUser} user
 * @param {{services: any, apputils: any, collaboration: any, widgets: any}} packages
 */
export const userPlugins = (user, { services, apputils, collaboration, widgets }) => [
  {
    id: "pyodide-rtc:user",
    description: "Tells who sits at the page",
    provides: services.IUserManager,
    optional: [services.IServerSettings],
    activate: (/** @type {null} */ _, /** @type {any} */ settings) => user.manager(services, settings),
  },
  {
    id: "pyodide-rtc:change-user",
    description: "Lets people change their name and color",
    autoStart: true,
    optional: [collaboration?.IUserMenu, apputils.ICommandPalette].filter(Boolean),
    activate(/** @type {any} */ { commands, serviceManager }, /** @type {any[]} */ ...found) {
      user.answerForm(serviceManager.serverSettings);
      commands.addCommand(CHANGE_USER, {
        label: "Change Your Name and Color…",
        isEnabled: () => user.identity !== undefined,
        execute: () => askUser(user, apputils, widgets),
      });
      const [menu, palette] = collaboration?.IUserMenu ? found : [null, ...found];
      menu?.addItem({ command: CHANGE_USER });
      palette?.addItem({ command: CHANGE_USER, category: "Collaboration" });
    },
  },
];
