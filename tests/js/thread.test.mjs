import assert from "node:assert/strict";
import test from "node:test";
import { runInThisContext } from "node:vm";
import { Channel, Locks, replace, settle, source } from "./fakes.mjs";

const gates = { join: (messages) => ["joined", messages.length], makeGate: null };
const { hearPage, hearChannel, openSocket, openKey, openTabs, holdLock } = runInThisContext(
  source("thread.js"),
)({ join: (messages) => gates.join(messages), makeGate: (...about) => gates.makeGate(...about) });

const recorder = () => {
  const told = [];
  return { told, tell: (...about) => void told.push(about) };
};

test("a message of the page comes in its parts, and ours go as one array", () => {
  const posted = [];
  const endpoint = { postMessage: (message) => posted.push(message) };
  const { told, tell } = recorder();
  const post = hearPage(endpoint, tell);
  endpoint.onmessage({ data: ["state", 7, "connected", 65536] });
  post("close", 7);
  assert.deepEqual(told, [["state", 7, "connected", 65536]]);
  assert.deepEqual(posted, [["close", 7]]);
});

test("messages of a proxied channel are told in one bundle, once they are owned up to", () => {
  const order = [];
  const endpoint = { postMessage: (message) => order.push(["posted", ...message]) };
  hearPage(endpoint, (...about) => order.push(["told", ...about]));
  endpoint.onmessage({ data: ["messages", "channel 3", ["a", "b"]] });
  assert.deepEqual(order, [
    ["posted", "channel-taken", "channel 3"],
    ["told", "messages", "channel 3", "joined", 2],
  ]);
});

test("a data channel tells its life, and what its gate holds comes before its close", () => {
  const { told, tell } = recorder();
  const channel = new Channel();
  let deliver;
  let isStopped = false;
  gates.makeGate = (_, given) => {
    deliver = given;
    return { flush: () => given("held"), stop: () => (isStopped = true) };
  };
  const stop = hearChannel(channel, 1000, tell);
  assert.equal(channel.binaryType, "arraybuffer");
  assert.equal(channel.bufferedAmountLowThreshold, 1000);
  channel.onopen();
  deliver("bytes", [1, 2]);
  channel.onbufferedamountlow();
  channel.onclose();
  const expected = [["open"], ["message", "bytes", [1, 2]], ["drain"]];
  assert.deepEqual(told, [...expected, ["message", "held"], ["close"]]);
  stop();
  assert.ok(isStopped);
  assert.deepEqual([channel.onopen, channel.onbufferedamountlow, channel.onclose], [null, null, null]);
});

class Socket {
  static OPEN = 1;
  readyState = 0;
  sent = [];
  isClosed = false;

  constructor(url) {
    this.url = url;
    Socket.last = this;
  }

  send(text) {
    this.sent.push(text);
  }

  close() {
    this.isClosed = true;
  }
}
replace("WebSocket", Socket);

test("a socket tells text, also where a relay answers in bytes, and why it closed", () => {
  const { told, tell } = recorder();
  openSocket("wss://x", tell);
  const socket = Socket.last;
  assert.equal(socket.url, "wss://x");
  socket.onopen();
  socket.onmessage({ data: "text" });
  socket.onmessage({ data: new TextEncoder().encode("é").buffer });
  socket.onclose({ code: 1006, reason: "" });
  socket.onclose({ code: 1008, reason: "too much" });
  assert.equal(socket.binaryType, "arraybuffer");
  assert.deepEqual(told, [
    ["open"],
    ["text", "text"],
    ["text", "é"],
    ["close", ""],
    ["close", "closed with code 1008 too much"],
  ]);
});

test("a socket sends only while it is open, and is silent once we close it", () => {
  const { told, tell } = recorder();
  const ours = openSocket("wss://x", tell);
  const socket = Socket.last;
  ours.send("early");
  socket.readyState = Socket.OPEN;
  ours.send("in time");
  ours.close();
  assert.deepEqual(socket.sent, ["in time"]);
  assert.ok(socket.isClosed);
  assert.deepEqual([socket.onopen, socket.onmessage, socket.onclose], [null, null, null]);
  assert.deepEqual(told, []);
});

/** Open a key, and give a way to ask it that waits for its answer. */
const keyOf = (password) => {
  const waiting = new Map();
  const told = [];
  const key = openKey(Buffer.from(password), Buffer.from("room"), 10, (number, ...about) => {
    told.push(number);
    waiting.get(number)?.(about);
  });
  const ask = (operation, number, ...about) =>
    new Promise((resolve) => {
      waiting.set(number, resolve);
      key[operation](number, ...about);
    });
  return { key, ask, told };
};

test("what is encrypted has a fresh iv before it, and is answered under its number", async () => {
  const { ask, told } = keyOf("secret");
  const plain = Buffer.from("hello");
  const [[event, one], [, other]] = await Promise.all([
    ask("encrypt", 5, plain),
    ask("encrypt", 6, plain),
  ]);
  assert.equal(event, "done");
  assert.equal(one.length, 12 + plain.length + 16);
  assert.notDeepEqual(one.slice(0, 12), other.slice(0, 12));
  const opened = await ask("decrypt", 7, one.slice(0, 12), one.slice(12));
  assert.deepEqual(opened, ["done", new Uint8Array(plain)]);
  assert.deepEqual(told.sort(), [5, 6, 7]);
});

test("another password is refused, and the key goes on", async () => {
  const [, sealed] = await keyOf("secret").ask("encrypt", 1, Buffer.from("x"));
  const other = keyOf("other");
  const [event, why] = await other.ask("decrypt", 1, sealed.slice(0, 12), sealed.slice(12));
  assert.equal(event, "refused");
  assert.match(why, /^OperationError: /);
  assert.equal((await other.ask("encrypt", 2, Buffer.from("x")))[0], "done");
});

test("without a key everything that is asked for says so", async (t) => {
  const original = crypto;
  t.after(() => replace("crypto", original));
  const broken = {
    importKey: async () => {
      throw new DOMException("no", "NotSupportedError");
    },
  };
  replace("crypto", { subtle: broken, getRandomValues: (array) => array });
  const { ask } = keyOf("secret");
  const x = Buffer.from("x");
  const answers = [await ask("encrypt", 1, x), await ask("decrypt", 2, x, x)];
  assert.deepEqual(answers, Array(2).fill(["keyless", "NotSupportedError: no"]));
});

test("a closed key tells nothing of what was under way", async () => {
  const { key, told } = keyOf("secret");
  key.encrypt(1, Buffer.from("x"));
  key.close();
  const { ask } = keyOf("secret");
  await ask("encrypt", 1, Buffer.from("x")); // begun later, and done
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(told, []);
});

test("a tab channel brings bytes, and nothing in the place of all else", () => {
  const { told, tell } = recorder();
  replace(
    "BroadcastChannel",
    class {
      constructor(name) {
        this.name = name;
      }
    },
  );
  const channel = openTabs("room", tell);
  const view = new Uint8Array([1]);
  for (const data of [view, view.buffer, "text", { length: 1 }, null]) channel.onmessage({ data });
  assert.equal(channel.name, "room");
  assert.deepEqual(told, [[view], [view.buffer], [undefined], [undefined], [undefined]]);
});

test("a lock is held until it is let go, and then the next one has it", async () => {
  replace("navigator", { locks: new Locks() });
  const told = [];
  const letGo = holdLock("l", () => told.push("one"));
  holdLock("l", () => told.push("two"));
  await settle();
  assert.deepEqual(told, ["one"]);
  letGo();
  await settle();
  assert.deepEqual(told, ["one", "two"]);
});

/** What is told on the console until the test ends. */
function consoleErrors(t) {
  const errors = [];
  const { error } = console;
  console.error = (...about) => errors.push(about);
  t.after(() => (console.error = error));
  return errors;
}

test("a request for a lock that waits can be taken back, which is no error", async (t) => {
  const errors = consoleErrors(t);
  replace("navigator", { locks: new Locks() });
  const told = [];
  const letGo = holdLock("l", () => told.push("one"));
  const takeBack = holdLock("l", () => told.push("two"));
  holdLock("l", () => told.push("three"));
  await settle();
  takeBack();
  letGo();
  await settle();
  assert.deepEqual(told, ["one", "three"]);
  assert.deepEqual(errors, []);
});

test("the browser knows what is taken back, and what it gives all the same is not kept", async () => {
  let asked;
  replace("navigator", { locks: { request: async (...about) => void (asked = about) } });
  const told = [];
  const takeBack = holdLock("l", () => told.push("one"));
  takeBack();
  const [name, { signal }, work] = asked;
  assert.deepEqual([name, signal.aborted], ["l", true]);
  work();
  assert.deepEqual(told, []);
});

test("a lock that the browser refuses is told on the console", async (t) => {
  const errors = consoleErrors(t);
  const refusal = new DOMException("no", "SecurityError");
  replace("navigator", { locks: { request: () => Promise.reject(refusal) } });
  holdLock("l", () => {});
  await settle();
  assert.deepEqual(errors, [[refusal]]);
});
