// What test_joining.py runs in the stock page; joining.py is its twin.
let me, task;

const meet = async (own, other, topic, urls, password, at) => {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now() - 20)));
  while (Date.now() < at);
  const start = performance.now();
  me = joinStock(topic, urls, password);
  return new Promise((resolve) => {
    const look = () => me.map.has(other) && resolve(performance.now() - start);
    me.map.observe(look);
    me.map.set(own, true);
    look();
    setTimeout(() => resolve("the stock page waits: " + [...me.provider.room.webrtcConns.keys()]), 30000);
  });
};
window.prepare = async (...args) => void (task = meet(...args));
window.met = () => task;
window.leave = async () => me.provider.destroy();
