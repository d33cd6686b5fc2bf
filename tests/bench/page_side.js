// What the bench runs in the stock pages; kernel_side.py is its twin.
const send = RTCDataChannel.prototype.send;
const sent = [0, 0, 0];
RTCDataChannel.prototype.send = function (data) {
  sent[0] += 1;
  sent[1] += data.byteLength ?? data.length;
  sent[2] += data[0] === 0 && data[1] === 2; // y-protocols: sync, update
  return send.call(this, data);
};
let me, doc, joining, awaited;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const look = () => {
  if (!awaited || me.map.get(awaited.key) !== awaited.value) return;
  const { resolve } = awaited;
  awaited = undefined;
  resolve(performance.now());
};
const until = (key, value) =>
  new Promise((resolve) => {
    awaited = { key, value, resolve }; // one at a time
    look();
  });
const join = (...where) => {
  me = joinStock(...where);
  me.map.observe(look);
};
const untilOpen = async () => {
  while (!me.provider.signalingConns[0].connected) await sleep(10);
};

window.host = async (topic, urls) => {
  join(topic, urls);
  me.map.set("hosted", true);
  await untilOpen();
};
window.join_and_time = async (topic, urls) => {
  const start = performance.now();
  join(topic, urls);
  return (await until("hosted", true)) - start;
};
// Without disconnect() y-webrtc keeps its sockets: the next join would not begin from nothing.
window.leave = async () => {
  me.provider.disconnect();
  me.provider.destroy();
};

// Edits.
window.echo = async () =>
  me.map.observe((event) => {
    if (event.keysChanged.has("ping")) queueMicrotask(() => me.map.set("pong", me.map.get("ping")));
  });
window.time_edits = async (count) => {
  const times = [];
  for (let number = 0; number < count; number++) {
    const start = performance.now();
    const answered = until("pong", number);
    me.map.set("ping", number);
    times.push(((await answered) - start) / 2);
  }
  return times;
};
window.time_loop = async (count) => {
  const done = `done-${performance.now()}`;
  const start = performance.now();
  const answered = until("pong", done);
  for (let number = 0; number < count; number++) me.map.set(`k${number % 100}`, number);
  me.map.set("ping", done);
  return (await answered) - start;
};
window.count_from_now = async () => void sent.fill(0);
window.counted = async () => sent;

// Groups: in ms since 1970, by the one clock of the machine.
const clock = () => performance.timeOrigin + performance.now();
const seen = new Map();
// Of the connections only the first says that it is synced.
window.until_linked = async (others) => {
  const connections = () => [...(me.provider.room?.webrtcConns.values() ?? [])];
  while (connections().filter(({ connected }) => connected).length !== others) await sleep(10);
};
window.watch = async () => {
  seen.clear();
  me.map.observe((event) => event.keysChanged.forEach((key) => seen.set(key, clock())));
};
window.edit_now_and_then = async (keys, pauseS) => {
  const made = [];
  for (const key of keys) {
    await sleep(1000 * pauseS);
    made.push(clock());
    me.map.set(key, true);
  }
  return made;
};
window.seen_at = async (keys) => {
  while (!keys.every((key) => seen.has(key))) await sleep(10);
  return keys.map((key) => seen.get(key));
};

// Leaving and outages. Presence is not waited for: it goes after 30 s, whatever happens.
window.until_alone = async () => {
  while (me.provider.room.webrtcConns.size) await sleep(5);
  return Date.now();
};
window.begin_to_join = async (...where) => void (joining = join_and_time(...where).then(() => Date.now()));
window.joined_at = () => joining;

// Large documents: one key per megabyte.
window.fill = async (megabytes) => {
  doc = new Y.Doc();
  for (let number = 0; number < megabytes; number++) {
    const part = new Y.Doc();
    part.getMap("state").set(String(number), "x".repeat(1e6));
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(part));
  }
};
window.host_filled = async (topic, urls) => {
  join(topic, urls, undefined, doc);
  await untilOpen();
};
window.receive = async (topic, urls, megabytes, patienceS) => {
  join(topic, urls);
  const connected = async () => {
    const isConnected = () => [...(me.provider.room?.webrtcConns.values() ?? [])].some((c) => c.connected);
    while (!isConnected()) await sleep(1);
    const start = performance.now();
    return (await until(String(megabytes - 1), "x".repeat(1e6))) - start;
  };
  return Promise.race([connected(), sleep(1000 * patienceS).then(() => null)]);
};
window.has_all = async (megabytes) => {
  for (let n = 0; n < megabytes; n++) if (me.map.get(String(n))?.length !== 1e6) return false;
  return true;
};
window.forget = async () => void (doc = undefined);
