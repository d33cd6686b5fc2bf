// What run.py runs in the stock pages; kernel_side.py is its twin. Each takes (topic, urls, ...).
const send = RTCDataChannel.prototype.send;
const sent = [0, 0];
RTCDataChannel.prototype.send = function (data) {
  sent[0] += 1;
  sent[1] += data.byteLength ?? data.length;
  return send.call(this, data);
};
let me;

const until = (key, value) =>
  new Promise((resolve) => {
    const look = () => {
      if (me.map.get(key) !== value) return;
      me.map.unobserve(look);
      resolve(performance.now());
    };
    me.map.observe(look);
    look();
  });
const join = (topic, urls, name) => (me = joinStock(`${topic}-${name}`, urls));

window.host = async (topic, urls, name) => {
  const { provider, map } = join(topic, urls, name);
  map.set("hosted", name);
  while (!provider.signalingConns[0].connected) await new Promise((r) => setTimeout(r, 10));
};
window.join_and_time = async (topic, urls, name) => {
  const start = performance.now();
  join(topic, urls, name);
  return (await until("hosted", name)) - start;
};
window.leave = async () => me.provider.destroy();
window.echo = async () =>
  me.map.observe((event) => {
    if (event.keysChanged.has("ping")) queueMicrotask(() => me.map.set("pong", me.map.get("ping")));
  });
window.time_edits = async (_topic, _urls, count) => {
  const times = [];
  for (let number = 0; number < count; number++) {
    const start = performance.now();
    const answered = until("pong", number);
    me.map.set("ping", number);
    times.push(((await answered) - start) / 2);
  }
  return times;
};
window.time_loop = async (_topic, _urls, count) => {
  const done = `done-${performance.now()}`;
  const start = performance.now();
  const answered = until("pong", done);
  for (let number = 0; number < count; number++) me.map.set(`k${number % 100}`, number);
  me.map.set("ping", done);
  return (await answered) - start;
};
window.count_from_now = async () => void sent.fill(0);
window.counted = async () => sent;
