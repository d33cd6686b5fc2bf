// Runs in a stock page: joins at a given instant; joining.py is its twin.
let me, task;

const meet = async (own, other, topic, urls, password, at, patienceS) => {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now() - 20)));
  while (Date.now() < at);
  const start = performance.now();
  me = joinStock(topic, urls, password);
  return new Promise((resolve) => {
    const look = () => me.map.has(other) && resolve(performance.now() - start);
    me.map.observe(look);
    me.map.set(own, true);
    look();
    const waiting = () => "the stock page waits: " + [...(me.provider.room?.webrtcConns.keys() ?? [])];
    setTimeout(() => resolve(waiting()), 1000 * patienceS);
  });
};
window.prepare = async (...args) => void (task = meet(...args));
window.met = () => task;
// Without disconnect() y-webrtc keeps its sockets: the next join would not begin from nothing.
window.part = async () => {
  me.provider.disconnect();
  me.provider.destroy();
};
