import assert from "node:assert/strict";
import test from "node:test";
import { Channel, Clock, Locks, later, replace, settle, source } from "./fakes.mjs";

class Connection extends EventTarget {
  static all = [];
  connectionState = "new";
  localDescription = null;
  log = [];
  channels = [];
  stats = [];
  answers = {}; // by method: a promise that it waits for

  constructor(config) {
    super();
    if (config?.isRefused) throw new DOMException("bad server", "SyntaxError");
    this.config = config;
    Connection.all.push(this);
  }

  async #do(name, ...about) {
    this.log.push([name, ...about]);
    await this.answers[name];
  }

  createDataChannel(label, options) {
    const channel = new Channel(label, options);
    this.channels.push(channel);
    return channel;
  }

  async createOffer() {
    await this.#do("createOffer");
    return { type: "offer", sdp: "our offer" };
  }

  async createAnswer() {
    await this.#do("createAnswer");
    return { type: "answer", sdp: "our answer" };
  }

  async setLocalDescription(description = { type: "offer", sdp: "our restart" }) {
    await this.#do("setLocalDescription", description.sdp);
    this.localDescription = description;
  }

  setRemoteDescription({ type, sdp }) {
    return this.#do("setRemoteDescription", type, sdp);
  }

  addIceCandidate({ candidate, sdpMLineIndex, sdpMid }) {
    return this.#do("addIceCandidate", candidate, sdpMLineIndex, sdpMid);
  }

  restartIce() {
    this.log.push(["restartIce"]);
  }

  async getStats() {
    return new Map(this.stats.map((one) => [one.id, one]));
  }

  close() {
    this.log.push(["close"]);
  }

  become(state, maxMessageSize) {
    this.connectionState = state;
    if (maxMessageSize) this.sctp = { maxMessageSize };
    this.onconnectionstatechange();
  }
}

class Tabs {
  static all = [];
  posted = [];
  isClosed = false;

  constructor(name) {
    this.name = name;
    Tabs.all.push(this);
  }

  postMessage(message) {
    this.posted.push(message);
  }

  close() {
    this.isClosed = true;
  }
}

/** What a browser keeps, or refuses to. */
class Kept {
  items = new Map();
  error = undefined;

  #check() {
    if (this.error) throw this.error;
  }

  getItem(name) {
    this.#check();
    return this.items.get(name) ?? null;
  }

  setItem(name, value) {
    this.#check();
    this.items.set(name, String(value));
  }

  removeItem(name) {
    this.#check();
    this.items.delete(name);
  }
}

const clock = new Clock();
let config;
replace("RTCPeerConnection", Connection);
replace("BroadcastChannel", Tabs);
replace("window", new EventTarget());
replace("document", Object.assign(new EventTarget(), {
  getElementById: (id) => (id === "jupyter-config-data" && config ? { textContent: config } : null),
}));
const host = await import(`data:text/javascript,${encodeURIComponent(source("host.js"))}`);

/** A page that has just been opened. */
function openPage(search = "") {
  config = undefined;
  replace("location", { search, href: `https://example.org/lab/${search}` });
  replace("localStorage", new Kept());
  replace("sessionStorage", new Kept());
  replace("navigator", { locks: new Locks() });
  Connection.all = [];
  Tabs.all = [];
}

/** A host, what it has posted, and a way to tell it something. */
function makeHost({ transfers = true, user = undefined } = {}) {
  openPage();
  const posted = [];
  const post = (message, transfer) => {
    if (transfer && !transfers) throw new DOMException("no transfer", "DataCloneError");
    posted.push(message);
  };
  const { receive, close } = host.createHost(post, () => user);
  return {
    posted,
    close,
    /** Say something, and let the host act on it. */
    say: async (...message) => {
      receive(message);
      await settle();
    },
    /** What it has posted since it was asked last, or of one operation. */
    take: () => posted.splice(0),
    connection: () => Connection.all.at(-1),
  };
}

const dataChannel = (posted) => posted.map((part) => (part instanceof Channel ? "(channel)" : part));

test("an opened connection hands over its agreed channel and tells its offer", async () => {
  const { say, take, connection } = makeHost();
  await say("open", 1, {}, true);
  assert.deepEqual(take().map(dataChannel), [
    ["channel", 1, "channel 1", "agreed", "(channel)"],
    ["prepared", 1, "our offer"],
  ]);
  assert.deepEqual(connection().channels[0].options, { negotiated: true, id: 100 });
  assert.equal(connection().localDescription.sdp, "our offer", "it comes to know its candidates");
});

test("with ICE servers an offer is not set before somebody wants it", async () => {
  const { say, connection } = makeHost();
  await say("open", 1, { iceServers: [{}] }, true);
  assert.equal(connection().localDescription, null);
  await say("offer", 1, false);
  assert.equal(connection().localDescription.sdp, "our offer");
});

test("an offer that is set already is not set again", async () => {
  const { say, connection } = makeHost();
  await say("open", 1, {}, true);
  await say("offer", 1, false);
  const set = connection().log.filter(([name]) => name === "setLocalDescription");
  assert.equal(set.length, 1);
});

test("who answers makes no offer", async () => {
  const { say, connection } = makeHost();
  await say("open", 1, {}, false);
  assert.deepEqual(connection().log, []);
});

test("a channel in band is ours, with a name that cannot be guessed", async () => {
  const { say, take, connection } = makeHost();
  await say("open", 1, {}, true);
  take();
  await say("offer", 1, true);
  assert.deepEqual(take().map(dataChannel), [["channel", 1, "channel 2", "local", "(channel)"]]);
  assert.match(connection().channels[1].label, /^[0-9a-f]{40}$/);
});

test("a channel of the other side is handed over as remote", async () => {
  const { say, take, connection } = makeHost();
  await say("open", 1, {}, false);
  take();
  connection().ondatachannel({ channel: new Channel() });
  assert.deepEqual(take().map(dataChannel), [["channel", 1, "channel 2", "remote", "(channel)"]]);
});

const candidate = (text, index = null, mid = null) => ({
  candidate: { candidate: text, sdpMLineIndex: index, sdpMid: mid },
});

test("before an offer is wanted its candidates are told within it, then one by one", async () => {
  const { say, take, connection } = makeHost();
  await say("open", 1, {}, true);
  take();
  connection().onicecandidate(candidate("a"));
  await settle();
  assert.deepEqual(take(), [["prepared", 1, "our offer"]]);
  await say("offer", 1, false);
  connection().onicecandidate(candidate("b", 0, "data"));
  connection().onicecandidate(candidate("c"));
  connection().onicecandidate(candidate(""));
  connection().onicecandidate({ candidate: null });
  await settle();
  assert.deepEqual(take(), [
    ["candidate", 1, "b", 0, "data"],
    ["candidate", 1, "c", undefined, undefined],
  ]);
});

test("an offer is answered before the answer is set", async () => {
  const { say, take, connection } = makeHost();
  await say("open", 1, {}, false);
  take();
  const { promise, done } = later();
  connection().answers.setLocalDescription = promise;
  await say("description", 1, "offer", "their offer");
  assert.deepEqual(take(), [["description", 1, "answer", "our answer"]]);
  assert.equal(connection().localDescription, null);
  done();
});

test("an answer is answered by nothing", async () => {
  const { say, take, connection } = makeHost();
  await say("open", 1, {}, true);
  take();
  await say("description", 1, "answer", "their answer");
  assert.deepEqual(connection().log.at(-1), ["setRemoteDescription", "answer", "their answer"]);
  assert.deepEqual(take(), []);
});

test("what is asked of a connection is done in its order, and waits for no other one", async () => {
  const { say, connection } = makeHost();
  await say("open", 1, {}, false);
  await say("open", 2, {}, false);
  const [one, two] = Connection.all;
  const { promise, done } = later();
  one.answers.setRemoteDescription = promise;
  await say("description", 1, "answer", "slow");
  await say("candidate", 1, "of one", 0, "data");
  await say("candidate", 2, "of two", 0, "data");
  assert.deepEqual(one.log, [["setRemoteDescription", "answer", "slow"]]);
  assert.deepEqual(two.log, [["addIceCandidate", "of two", 0, "data"]]);
  done();
  await settle();
  assert.deepEqual(one.log.at(-1), ["addIceCandidate", "of one", 0, "data"]);
  assert.equal(connection(), two);
});

test("our own candidates follow the description that they belong to", async () => {
  const { say, take, connection } = makeHost();
  await say("open", 1, {}, false);
  take();
  const { promise, done } = later();
  connection().answers.createAnswer = promise;
  await say("description", 1, "offer", "their offer");
  connection().onicecandidate(candidate("a"));
  await settle();
  assert.deepEqual(take(), []);
  done();
  await settle();
  assert.deepEqual(take().map(([operation]) => operation), ["description", "candidate"]);
});

test("a restart makes a new offer at once", async () => {
  const { say, take, connection } = makeHost();
  await say("open", 1, {}, true);
  take();
  await say("restart", 1);
  assert.deepEqual(connection().log.slice(-2), [["restartIce"], ["setLocalDescription", "our restart"]]);
  assert.deepEqual(take(), [["description", 1, "offer", "our restart"]]);
});

test("what fails is told with its operation, and the next one goes on", async () => {
  const { say, take, connection } = makeHost();
  await say("open", 1, {}, false);
  take();
  connection().answers.setRemoteDescription = Promise.reject(new DOMException("no", "InvalidStateError"));
  await say("description", 1, "answer", "x");
  await say("candidate", 1, "a", 0, "data");
  assert.deepEqual(take(), [["error", 1, "description", "InvalidStateError: no"]]);
  assert.deepEqual(connection().log.at(-1), ["addIceCandidate", "a", 0, "data"]);
});

test("a connection that cannot be opened has failed", async () => {
  const { say, take } = makeHost();
  await say("open", 1, { isRefused: true }, true);
  assert.deepEqual(take(), [
    ["error", 1, "open", "SyntaxError: bad server"],
    ["state", 1, "failed"],
  ]);
});

test("a browser that makes no connections at all is told as such, and what it says", async () => {
  const { say, take } = makeHost();
  const made = globalThis.RTCPeerConnection;
  for (const [blocked, said] of [
    [undefined, "TypeError: RTCPeerConnection is not a constructor"],
    [function () { throw new DOMException("by policy", "NotAllowedError"); }, "NotAllowedError: by policy"],
  ]) {
    replace("RTCPeerConnection", blocked);
    await say("open", 1, {}, true);
    assert.deepEqual(take(), [
      ["blocked", 1, said],
      ["error", 1, "open", said],
      ["state", 1, "failed"],
    ]);
  }
  replace("RTCPeerConnection", made);
  await say("open", 1, {}, false);
  replace("RTCPeerConnection", undefined);
  take();
  await say("open", 2, {}, false);
  assert.deepEqual(take().map(([operation]) => operation), ["error", "state"], "it has made one");
  replace("RTCPeerConnection", made);
});

test("a closed connection does nothing more, and nothing that fails then is told", async () => {
  const { say, take, connection } = makeHost();
  await say("open", 1, {}, false);
  const { promise, fail } = later();
  connection().answers.setRemoteDescription = promise;
  await say("description", 1, "answer", "x");
  await say("candidate", 1, "waits", 0, "data");
  take();
  await say("close", 1);
  fail(new DOMException("closed", "InvalidStateError"));
  await settle();
  for (const operation of ["offer", "watch", "restart", "close"]) await say(operation, 1);
  await say("description", 1, "offer", "late");
  assert.deepEqual(connection().log, [["setRemoteDescription", "answer", "x"], ["close"]]);
  assert.deepEqual(take(), []);
});

test("the state is told with the size of messages, once that is known, as an integer", async () => {
  const { say, take, connection } = makeHost();
  await say("open", 1, {}, true);
  take();
  connection().become("connecting");
  connection().become("disconnected", 262144);
  connection().become("failed", Infinity);
  assert.deepEqual(take(), [
    ["state", 1, "connecting", undefined],
    ["state", 1, "disconnected", 262144],
    ["state", 1, "failed", Number.MAX_SAFE_INTEGER],
  ]);
});

const PAIR = { id: "p", localCandidateId: "l", remoteCandidateId: "r" };
const ENDS = [
  { id: "l", candidateType: "host" },
  { id: "r", candidateType: "relay" },
];

for (const [name, stats, expected] of [
  ["by a relay", [{ type: "transport", selectedCandidatePairId: "p" }, PAIR, ...ENDS], [true]],
  ["as Firefox tells it", [{ ...PAIR, selected: true }, ...ENDS], [true]],
  ["directly", [{ ...PAIR, selected: true }, ENDS[0], { id: "r", candidateType: "srflx" }], [false]],
  ["beside a relay that is not used", [{ ...PAIR, selected: true, remoteCandidateId: "l" }, ...ENDS], [false]],
  ["not known", [PAIR, ...ENDS], []],
])
  test(`the path is told a second after connecting: ${name}`, async () => {
    const { say, take, connection } = makeHost();
    await say("open", 1, {}, true);
    connection().stats = stats;
    connection().become("connected");
    take();
    await clock.pass(999);
    assert.deepEqual(take(), []);
    await clock.pass(1);
    assert.deepEqual(take(), expected.map((isRelayed) => ["path", 1, isRelayed]));
  });

test("how long the network takes is told with the path, and when it is asked for", async () => {
  const { say, take, connection } = makeHost();
  await say("open", 1, {}, true);
  connection().stats = [{ ...PAIR, selected: true, currentRoundTripTime: 0.25 }, ...ENDS];
  connection().become("connected");
  await clock.pass(1000);
  take();
  connection().stats = [{ ...PAIR, selected: true, currentRoundTripTime: 0 }, ...ENDS];
  await say("measure", 1);
  await clock.pass(0);
  assert.deepEqual(take(), [["path", 1, true], ["round-trip", 1, 0]]);
  connection().stats = [{ ...PAIR, selected: true }, ...ENDS];
  await say("measure", 1);
  await say("measure", 99);
  await clock.pass(0);
  assert.deepEqual(take(), [["path", 1, true]], "not known, and no such connection");
});

/** A watched connection with its channel of signs of life. */
async function watched(...canAnswer) {
  const one = makeHost();
  await one.say("open", 1, {}, false);
  await one.say("watch", 1, ...canAnswer);
  const connection = one.connection();
  const beats = connection.channels.at(-1);
  connection.connectionState = "connected";
  beats.readyState = "open";
  one.take();
  const isAnswer = ([operation]) => operation !== "ask"; // for a sign of life
  return { ...one, take: () => one.take().filter(isAnswer), takeAll: one.take, beats, connection };
}

const received = (bytesReceived) => [{ id: "t", bytesReceived }];

test("signs of life go each 750 ms, by a channel that resends nothing", async () => {
  const { beats, take } = await watched();
  await clock.pass(750 * 2);
  assert.deepEqual(beats.options, { negotiated: true, id: 101, ordered: false, maxRetransmits: 0 });
  assert.deepEqual(beats.sent, ["", ""]);
  assert.deepEqual(take(), []);
  beats.readyState = "closed";
  await clock.pass(750);
  assert.equal(clock.size, 0, "it ends with its channel");
});

test("who is silent for a while counts as disconnected, until it is heard again", async () => {
  const { beats, connection, take } = await watched();
  connection.stats = received(10);
  await clock.pass(750 * 3);
  assert.deepEqual(take(), [["state", 1, "disconnected"]]);
  await clock.pass(750 * 2);
  assert.deepEqual(take(), [], "once");
  beats.onmessage({ data: "" });
  await clock.pass(750);
  assert.deepEqual(take(), [["state", 1, "connected"]]);
  beats.readyState = "closed";
  await clock.pass(750);
});

test("a page that is busy does not count as silent as long as its browser answers", async () => {
  const { beats, connection, take } = await watched();
  for (let bytes = 1; bytes < 7; bytes++) {
    connection.stats = received(bytes);
    await clock.pass(750);
  }
  assert.deepEqual(take(), []);
  beats.readyState = "closed";
  await clock.pass(750);
});

/** Let time pass, with signs of life of the peer's page that say this. */
async function hear(beats, said, ms) {
  for (; ms > 0; ms -= 750) {
    beats.onmessage({ data: said });
    await clock.pass(750);
  }
}

test("a page says for how long its kernel has not answered, once that is long", async () => {
  const { beats, say, takeAll } = await watched(true);
  await hear(beats, "", 1500);
  assert.deepEqual(takeAll(), [], "it has said something a moment ago");
  await hear(beats, "", 750);
  assert.deepEqual(takeAll(), [["ask", "kernel"]]);
  await say("alive", null);
  await hear(beats, "", 2250);
  assert.deepEqual(takeAll(), [["ask", "kernel"]], "again and again");
  await hear(beats, "", 4500);
  assert.deepEqual(beats.sent, Array(12).fill(""), "a cell may compute for a moment");
  await hear(beats, "", 1500);
  assert.deepEqual(beats.sent.slice(12), ["5", "6"]);
  assert.deepEqual(takeAll(), [], "asked once");
  await say("facts", 1);
  beats.sent = [];
  await hear(beats, "", 750);
  assert.deepEqual(beats.sent, [""], "whatever it says is an answer");
  beats.readyState = "closed";
  await clock.pass(750);
});

test("an older Python, which answers no question, is not said to be busy", async () => {
  const { beats, takeAll } = await watched();
  await hear(beats, "", 9000);
  assert.deepEqual(beats.sent, Array(12).fill(""));
  assert.deepEqual(takeAll(), [], "it is not asked");
  beats.readyState = "closed";
  await clock.pass(750);
});

test("what the peer's page says of its kernel is told when it begins and ends", async () => {
  const { beats, take } = await watched();
  const told = async (said, ms = 750) => {
    await hear(beats, said, ms);
    return take();
  };
  assert.deepEqual(await told(""), []);
  assert.deepEqual(await told("5"), [["quiet", 1, 5, false]]);
  assert.deepEqual(await told("6", 1500), []);
  for (const said of ["", "soon", "-7", "1e9", new ArrayBuffer(1)]) {
    assert.deepEqual(await told(said), [["quiet", 1, 0, false]]);
    assert.deepEqual(await told("9"), [["quiet", 1, 9, false]]);
  }
  beats.readyState = "closed";
  await clock.pass(750);
});

test("a page whose signs stop while its browser answers is asleep", async () => {
  const { beats, take, connection } = await watched();
  let bytes = 0;
  const sleep = async (ms) => {
    for (; ms > 0; ms -= 750) {
      connection.stats = received(++bytes);
      await clock.pass(750);
    }
  };
  await sleep(5250);
  assert.deepEqual(take(), [["quiet", 1, 5.25, true]], "also if it never sent any");
  await hear(beats, "7", 750);
  assert.deepEqual(take(), [["quiet", 1, 7, false]]);
  await sleep(3750);
  assert.deepEqual(take(), []);
  await sleep(750);
  assert.deepEqual(take(), [["quiet", 1, 7 + 5.25, true]]);
  await clock.pass(750);
  assert.deepEqual(take(), [["state", 1, "disconnected"]], "that is all that is known");
  await hear(beats, "", 750);
  assert.deepEqual(take(), [["state", 1, "connected"], ["quiet", 1, 0, false]]);
  beats.readyState = "closed";
  await clock.pass(750);
});

/** A connection whose agreed channel could not be transferred. */
async function proxied() {
  const one = makeHost({ transfers: false });
  await one.say("open", 1, {}, false);
  const [channel] = one.connection().channels;
  const hear = (...messages) => messages.forEach((data) => channel.onmessage({ data }));
  return { ...one, channel, hear };
}

test("a channel that cannot be transferred is told without it, and of its life", async () => {
  const { take, channel, connection } = await proxied();
  assert.deepEqual(take(), [["channel", 1, "channel 1", "agreed"]]);
  assert.equal(channel.binaryType, "arraybuffer");
  connection().sctp = { maxMessageSize: 65536 };
  channel.onopen();
  channel.onclose();
  channel.onclose();
  assert.deepEqual(take(), [["open", "channel 1", 65536], ["close", "channel 1"]]);
});

for (const error of [new TypeError("a bug"), new DOMException("a bug", "InvalidStateError")])
  test(`another failure of handing over is told, and no reason to proxy: ${error.name}`, () => {
    openPage();
    const posted = [];
    const { receive } = host.createHost((message, transfer) => {
      if (transfer) throw error;
      posted.push(message);
    });
    receive(["open", 1, {}, false]);
    assert.deepEqual(posted, [
      ["error", 1, "open", `${error.name}: a bug`],
      ["state", 1, "failed"],
    ]);
  });

test("what comes before the last messages were taken is told together, in its order", async () => {
  const { say, take, hear } = await proxied();
  take();
  hear("a", "b", "c");
  assert.deepEqual(take(), [["messages", "channel 1", ["a"]]]);
  await say("channel-taken", "channel 1");
  assert.deepEqual(take(), [["messages", "channel 1", ["b", "c"]]]);
  await say("channel-taken", "channel 1");
  hear("d");
  assert.deepEqual(take(), [["messages", "channel 1", ["d"]]]);
});

test("what waits is told before the close", async () => {
  const { take, channel, hear } = await proxied();
  take();
  hear("a", "b");
  channel.onclose();
  assert.deepEqual(take(), [
    ["messages", "channel 1", ["a"]],
    ["messages", "channel 1", ["b"]],
    ["close", "channel 1"],
  ]);
});

test("what was sent is told as gone when the browser has sent it", async () => {
  const { say, take, channel } = await proxied();
  take();
  await say("channel-send", "channel 1", new Uint8Array(3));
  await say("channel-send", "channel 1", new Uint8Array(4));
  assert.deepEqual(channel.sent.map(({ length }) => length), [3, 4]);
  channel.onbufferedamountlow();
  assert.deepEqual(take(), [["gone", "channel 1", 7]]);
});

test("a message that cannot be sent is told, and closes its channel", async () => {
  const { say, take, channel } = await proxied();
  take();
  channel.failure = new TypeError("too large");
  await say("channel-send", "channel 1", new Uint8Array(3));
  assert.deepEqual(take(), [["error", "channel 1", "send", "TypeError: too large"]]);
  assert.ok(channel.isClosed);
});

test("a proxied channel is closed on demand, and goes with its connection", async () => {
  const { say, take, channel } = await proxied();
  take();
  await say("channel-close", "channel 1");
  assert.ok(channel.isClosed);
  await say("close", 1);
  channel.onclose();
  for (const operation of ["channel-taken", "channel-close"]) await say(operation, "channel 1");
  await say("channel-send", "channel 1", new Uint8Array(1));
  assert.deepEqual([take(), channel.sent], [[], []]);
});

test("the facts name the page, its configuration, room and user", async () => {
  const { say, take } = makeHost({ user: { name: "Ada", color: "red" } });
  replace("location", { search: "?x=1&room=a%20b", href: "https://example.org/?room=a%20b" });
  config = '{"baseUrl": "/site/"}';
  await say("facts", 9);
  const [[operation, question, facts]] = take();
  assert.deepEqual([operation, question], ["reply", 9]);
  const [href, text, room, name, color, id] = facts;
  assert.deepEqual([href, text, room], [location.href, config, "a%20b"]);
  assert.deepEqual([name, color], ["Ada", "red"]);
  assert.match(id, /^[0-9a-f]{40}$/);
  await say("facts", 10);
  assert.equal(take()[0][2][5], id, "the browser keeps it");
  await say("forget-room", undefined);
  assert.equal(sessionStorage.getItem("pyodide-rtc room /site/"), null);
});

test("the name that somebody gave is kept, told to all, and wins over the address", async () => {
  const [one, other] = [makeHost(), makeHost()];
  const replaced = [];
  replace("history", { state: 5, replaceState: (...about) => replaced.push(about) });
  replace("location", { search: "", href: "https://example.org/?room=a&username=Bob&usercolor=fff" });
  host.keepUser({ name: "Ada", color: "#e65100" });
  assert.deepEqual(one.take(), [["user", "page"]]);
  assert.deepEqual(other.take(), [["user", "page"]]);
  assert.deepEqual(replaced.map(([state, , url]) => [state, url.href]), [[5, "https://example.org/?room=a"]]);
  await one.say("facts", 1);
  assert.deepEqual(one.take()[0][2].slice(6), ["Ada", "#e65100"]);

  // In a page of another tab; and an empty name is none.
  replace("location", { search: "", href: "https://example.org/?room=a" });
  localStorage.setItem("pyodide-rtc user", '{"name": 5}');
  for (const key of ["something else", "pyodide-rtc user"])
    window.dispatchEvent(Object.assign(new Event("storage"), { key }));
  assert.deepEqual(other.take(), [["user", "page"]]);
  await other.say("facts", 1);
  assert.deepEqual(other.take()[0][2].slice(6), [undefined, undefined]);
  for (const text of ["no JSON", "null", "7", '"x"']) {
    localStorage.setItem("pyodide-rtc user", text);
    await other.say("facts", 1);
    assert.deepEqual(other.take()[0][2].slice(6), [undefined, undefined]);
  }
  host.keepUser({ name: "", color: "" });
  assert.equal(localStorage.getItem("pyodide-rtc user"), "{}");
  assert.equal(replaced.length, 1);
});

test("a name that Python gives is kept as one that somebody gave, and told to all", async () => {
  const [one, other] = [makeHost(), makeHost()];
  replace("location", { search: "", href: "https://example.org/?room=a" });
  await one.say("set", 7, "pyodide-rtc user", '{"name": "Ada", "color": null}');
  assert.deepEqual(one.take(), [["user", "page"], ["reply", 7, undefined]]);
  assert.deepEqual(other.take(), [["user", "page"]]);
  assert.equal(localStorage.getItem("pyodide-rtc user"), '{"name":"Ada"}');
  host.keepUser({});
});

test("where the browser keeps nothing the facts lack that alone", async (t) => {
  const { say, take } = makeHost();
  const { warn } = console;
  t.after(() => (console.warn = warn));
  console.warn = () => {};
  localStorage.error = sessionStorage.error = new DOMException("no", "SecurityError");
  await say("facts", 1);
  assert.deepEqual(take(), [["reply", 1, [location.href, ...Array(7).fill(undefined)]]]);
});

test("what is kept is given, and a refusal is told by its name", async () => {
  const { say, take } = makeHost();
  await say("get", 1, "x");
  await say("set", 2, "x", "text");
  await say("get", 3, "x");
  await say("remove", 4, "x");
  await say("get", 5, "x");
  localStorage.error = new DOMException("full", "QuotaExceededError");
  await say("set", 6, "x", "more");
  assert.deepEqual(take(), [
    ["reply", 1, undefined],
    ["reply", 2, undefined],
    ["reply", 3, "text"],
    ["reply", 4, undefined],
    ["reply", 5, undefined],
    ["refusal", 6, "QuotaExceededError", "full"],
  ]);
});

test("a page that is put away tells it before its connections close", async () => {
  const { say, posted, take, connection } = makeHost();
  await say("open", 1, {}, false);
  take();
  let before;
  connection().close = () => (before = [...posted]);
  window.dispatchEvent(new Event("pagehide"));
  assert.deepEqual(before, [["away", "page"]]);
});

test("a page that is there again, by whichever event, tells it until its host ends", async () => {
  const { say, take, close, connection } = makeHost();
  await say("open", 1, {}, false);
  take();
  const wake = () => {
    for (const name of ["pageshow", "online"]) window.dispatchEvent(new Event(name));
    document.dispatchEvent(new Event("resume"));
  };
  wake();
  assert.deepEqual(take(), Array(3).fill(["woken", "page"]));
  close();
  wake();
  window.dispatchEvent(new Event("pagehide"));
  assert.deepEqual(take(), []);
  assert.deepEqual(connection().log, [["close"]]);
});

for (const [search, kept, room] of [
  ["?room=demo", undefined, "demo"],
  ["?path=x&room=a%20b+c", undefined, "a b c"],
  ["?room=%20demo%20", "other", "demo"],
  ["?path=x", "a%2Fb", "a/b"],
  ["?classroom=x", undefined, ""],
  ["", undefined, ""],
])
  test(`the room of ${search || "an address without a query"}, where ${kept} is remembered`, () => {
    openPage(search);
    if (kept) sessionStorage.setItem("pyodide-rtc room ", kept);
    assert.equal(host.pageRoom(), room);
  });

test("a room is noted for each site of an origin, and an address without one changes nothing", () => {
  openPage("?room=a%20b");
  config = '{"baseUrl": "/one/"}';
  host.noteRoom();
  config = "no JSON";
  host.noteRoom();
  replace("location", { search: "" });
  host.noteRoom();
  assert.deepEqual([...sessionStorage.items], [
    ["pyodide-rtc room /one/", "a%20b"],
    ["pyodide-rtc room ", "a%20b"],
  ]);
});

test("a bug is not taken for a browser that keeps nothing", () => {
  openPage();
  sessionStorage.error = new TypeError("a bug");
  assert.throws(host.pageRoom, TypeError);
});

/** A worker as the page sees it. */
class Worker extends EventTarget {
  posted = [];

  postMessage(message, transfer) {
    this.posted.push([message, transfer]);
  }

  say(data) {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
}

/** The next message at our end of a port. */
const heard = (port) => new Promise((resolve) => (port.onmessage = ({ data }) => resolve(data)));

test("a hello is answered by a port, with what the worker has to know", async () => {
  openPage();
  const worker = new Worker();
  const end = host.givePort(worker, { nonce: "n" }, "page");
  const [[{ port, version, operations, ...answer }, transfer]] = worker.posted;
  assert.deepEqual(answer, { pyodideRtc: "port", nonce: "n", route: "page" });
  assert.ok(Number.isInteger(version));
  assert.ok(operations.includes("facts"));
  assert.deepEqual(transfer, [port]);
  const reply = heard(port);
  port.postMessage(["get", 1, "x"]);
  assert.deepEqual(await reply, ["reply", 1, undefined]);
  end();
  port.close();
});

test("a worker that dies leaves its lock, by which its connections close", async () => {
  openPage();
  const worker = new Worker();
  const dead = later();
  navigator.locks.request("l", () => dead.promise);
  host.givePort(worker, { nonce: "n", lock: "l" }, "page");
  const [[{ port }]] = worker.posted;
  const opened = heard(port);
  port.postMessage(["open", 1, {}, true]);
  await opened;
  assert.ok(!Connection.all[0].log.some(([name]) => name === "close"));
  dead.done();
  await settle();
  assert.deepEqual(Connection.all[0].log.at(-1), ["close"]);
  port.close();
});

test("every hello of a worker is answered, other messages are not, until it is detached", () => {
  openPage();
  const worker = new Worker();
  const attached = host.attachWorker(worker);
  for (const data of [null, "hello", { pyodideRtc: "other" }]) worker.say(data);
  assert.deepEqual(worker.posted, []);
  worker.say({ pyodideRtc: "hello", nonce: "a" });
  worker.say({ pyodideRtc: "hello", nonce: "b" });
  assert.deepEqual(worker.posted.map(([{ nonce, route }]) => [nonce, route]), [["a", "page"], ["b", "page"]]);
  attached.close();
  worker.say({ pyodideRtc: "hello", nonce: "c" });
  assert.equal(worker.posted.length, 2);
});

/** A displayed script that waits for its kernel. */
function greet() {
  openPage();
  host.attachBroadcast("name");
  const [tabs] = Tabs.all;
  const [[operation, self]] = tabs.posted.splice(0);
  assert.deepEqual([tabs.name, operation], ["name", "greeting"]);
  return { tabs, self, hear: (...data) => tabs.onmessage({ data }) };
}

test("a displayed script that is chosen serves its kernel, without transfers", async () => {
  const { tabs, self, hear } = greet();
  hear("greeting", "somebody else");
  hear("chosen", self, undefined);
  await clock.pass(10_000);
  assert.ok(!tabs.isClosed, "it waits no longer");
  hear("open", 1, {}, false);
  assert.deepEqual(tabs.posted, [["channel", 1, "channel 1", "agreed"]]);
  hear("end");
  assert.ok(tabs.isClosed);
  assert.deepEqual(Connection.all[0].log, [["close"]]);
});

test("shown twice, the one that is not chosen leaves", () => {
  const { tabs, hear } = greet();
  hear("chosen", "the other");
  assert.ok(tabs.isClosed);
});

test("run again from saved output it finds no kernel, and leaves after five seconds", async () => {
  const { tabs } = greet();
  await clock.pass(4999);
  assert.ok(!tabs.isClosed);
  await clock.pass(1);
  assert.ok(tabs.isClosed);
});
