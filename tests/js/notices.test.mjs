/** What notices tell, when they change, and when they go: notices.js without a browser. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const path = new URL("../../pyodide_rtc/labextension/static/notices.js", import.meta.url);
const { Notices } = await import(`data:text/javascript,${encodeURIComponent(readFileSync(path, "utf8"))}`);

/** JupyterLab's notifications: what is on the screen, and all that was emitted. */
class Screen {
  shown = new Map();
  emitted = [];

  emit(message, type, { autoClose }) {
    this.emitted.push(message);
    this.shown.set(`${this.emitted.length}`, { message, type, autoClose });
    return `${this.emitted.length}`;
  }

  update({ id, ...changes }) {
    if (!this.shown.has(id)) return false;
    Object.assign(this.shown.get(id), changes);
    return true;
  }

  dismiss(id) {
    this.shown.delete(id);
  }

  get messages() {
    return [...this.shown.values()].map(({ message, type }) => [type, message]);
  }
}

test("one notice for each cause, changed instead of repeated, closed when it is over", () => {
  const screen = new Screen();
  const notices = new Notices(screen, () => {});
  notices.show([["password", "a"], ["merge x", "b"]]);
  notices.show([["password", "a"], ["merge x", "b"], ["merge y", "c"]]);
  assert.deepEqual(screen.messages, [["warning", "a"], ["error", "b"], ["error", "c"]]);
  notices.show([["password", "a2"], ["merge y", "c"]]);
  assert.deepEqual(screen.messages, [["warning", "a2"], ["error", "c"]]);
  assert.deepEqual(screen.emitted, ["a", "b", "c"]);
  notices.show([]);
  assert.deepEqual(screen.messages, []);
  notices.show([["password", "a"]]);
  assert.deepEqual(screen.messages, [["warning", "a"]], "it has come again");
});

test("what is good news when it is over is told, and goes by itself", () => {
  const screen = new Screen();
  const notices = new Notices(screen, () => {});
  notices.show([["signaling", "down"]]);
  notices.show([]);
  const [{ message, type, autoClose }] = screen.shown.values();
  assert.deepEqual([type, message, autoClose], ["success", "A signaling server is reached again.", 5000]);
});

test("who has closed a notice is not told again", () => {
  const screen = new Screen();
  const notices = new Notices(screen, () => {});
  notices.show([["signaling", "down"]]);
  screen.shown.clear();
  notices.show([["signaling", "down for another reason"]]);
  notices.show([]);
  assert.deepEqual(screen.messages, []);
});
