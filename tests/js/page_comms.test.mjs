/** The page's half of shared widgets, with models as those of ipywidgets. */

import assert from "node:assert/strict";
import { test } from "node:test";
import pageComms, { moved } from "../../pyodide_rtc/widgets/page_comms.js";

Object.assign(globalThis, {
  document: { activeElement: null },
  HTMLInputElement: class {},
  HTMLTextAreaElement: class {},
});

class Comm {
  comm_id = "c";
  sent = [];
  send(data) {
    this.sent.push(data);
  }
}

class Model {
  constructor(value) {
    this.value = value;
    this.comm = new Comm();
    this.statuses = [];
  }
  get() {
    return this.value;
  }
  set_state(state) {
    this.value = state.value ?? this.value;
  }
  /** A person changes the value: the model sends it at once. */
  change(value) {
    this.value = value;
    const status = (message) => this.statuses.push(message.content.execution_state);
    this.comm.send({ method: "update", state: { value } }, { iopub: { status } });
  }
}

/** Share a model as the kernel does; return what the page posts, and how the kernel answers. */
async function share(t, model, texts) {
  const posted = [];
  const decoder = new TextDecoder();
  const real = globalThis.BroadcastChannel;
  t.after(() => (globalThis.BroadcastChannel = real));
  globalThis.BroadcastChannel = class {
    postMessage(bytes) {
      posted.push(JSON.parse(decoder.decode(bytes)));
    }
    close() {}
  };
  const called = {};
  const state = { channel: "name", widgets: { c: texts } };
  const end = pageComms.initialize({
    model: {
      widget_manager: { get_model: async () => model },
      get: (name) => state[name],
      on: (event, callback) => (called[event] = callback),
    },
  });
  await new Promise(setImmediate);
  const tell = async (event, about) => {
    called[event](about);
    await new Promise(setImmediate);
  };
  return {
    posted,
    end,
    acknowledge: (number) => tell("msg:custom", { comm: "c", number }),
    unshare: () => tell("change:widgets", (state.widgets = {})),
  };
}

test("what a widget says goes by the channel, and its model waits for the kernel", async (t) => {
  const model = new Model(1);
  const { posted, acknowledge } = await share(t, model, []);
  model.change(2);
  assert.deepEqual(posted, [
    { comm: "c", number: 1, data: { method: "update", state: { value: 2 } }, before: {} },
  ]);
  assert.deepEqual([model.comm.sent, model.statuses], [[], []]);
  await acknowledge(1);
  assert.deepEqual(model.statuses, ["idle"]);
});

test("a widget that is shared no longer sends as before, and waits for nothing", async (t) => {
  const model = new Model(1);
  const { posted, unshare } = await share(t, model, []);
  model.change(2);
  await unshare();
  model.change(3);
  assert.equal(posted.length, 1);
  assert.deepEqual(model.comm.sent, [{ method: "update", state: { value: 3 } }]);
  assert.deepEqual(model.statuses, ["idle"]);
});

test("a message with buffers goes by the comm", async (t) => {
  const model = new Model(1);
  const { posted } = await share(t, model, []);
  model.comm.send({ method: "custom", content: {} }, {}, {}, [new ArrayBuffer(1)]);
  assert.deepEqual([posted, model.comm.sent.length], [[], 1]);
});

test("a text says of which one it was made, and takes none that the kernel made before", async (t) => {
  const model = new Model("ab");
  const { posted, acknowledge } = await share(t, model, ["value"]);
  model.change("abc");
  model.set_state({ value: "Xab" });
  assert.equal(model.value, "abc", "the kernel had not seen it");
  await acknowledge(1);
  model.set_state({ value: "Xabc" });
  assert.equal(model.value, "Xabc");
  model.change("Xabcd");
  assert.deepEqual(posted.map(({ before }) => before.value), ["ab", "Xabc"]);
});

test("a text that is still to be sent is not written over", async (t) => {
  const model = new Model("ab");
  await share(t, model, ["value"]);
  model.value = "abc"; // typed, while the model waits with sending
  model.set_state({ value: "Xab" });
  assert.equal(model.value, "abc");
});

test("a cursor stays between the characters around it", () => {
  assert.equal(moved(2, "abcd", "Xabcd"), 3, "inserted before it");
  assert.equal(moved(2, "abcd", "abcdX"), 2, "inserted behind it");
  assert.equal(moved(4, "abcd", "abXcd"), 5, "it is at the end");
  assert.equal(moved(2, "abcd", "d"), 0, "it was deleted with what is around it");
  assert.equal(moved(3, "abcdef", "abXef"), 3, "within what was replaced");
  assert.equal(moved(0, "", "abc"), 0);
});
