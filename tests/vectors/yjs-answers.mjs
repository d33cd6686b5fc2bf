// Makes yjs-answers.json: what a stock peer (yjs 13.6.33) that has lost updates says of itself.
// How: npm install yjs@13.6.33, then `node yjs-answers.mjs 24 > yjs-answers.json` beside it.
// Each case has its truth from the document's own store; and that sending again what is not proven
// makes all whole is checked here.
import * as Y from "yjs";

let state = 7;
const random = (n) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 8) % n;
};
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const clocksOf = (doc) => Y.decodeStateVector(Y.encodeStateVector(doc));
const vector = (clocks) => Y.encodeStateVector(new Map([...clocks].filter(([, clock]) => clock > 0)));

function edit(doc) {
  const text = doc.getText("text"), map = doc.getMap("map"), array = doc.getArray("array");
  const word = ["x", "wört", "🌍", "ab🌍", "long ".repeat(8)][random(5)];
  switch (random(7)) {
    case 0: case 1: return text.insert(random(2) ? text.length : random(text.length + 1), word);
    case 2: return text.length && text.delete(random(text.length), 1);
    case 3: return map.set("abc"[random(3)], [word, 1.5, null, { deep: [word] }][random(4)]);
    case 4: return map.set("t", new Y.Text(word));
    case 5: return array.push([word, random(9), new Uint8Array(3)]);
    case 6: return text.length && text.format(0, text.length, { bold: true });
  }
}

// The clocks that updates prove, each of them going on where the last one ended.
function learn(proven, update) {
  const ends = new Map(), starts = new Map();
  for (const { id, length } of Y.decodeUpdate(update).structs) {
    if (!starts.has(id.client)) starts.set(id.client, id.clock);
    ends.set(id.client, id.clock + length);
  }
  for (const [client, end] of ends) {
    if (starts.get(client) <= (proven.get(client) ?? 0) && end > (proven.get(client) ?? 0)) proven.set(client, end);
  }
}

const deleted = (doc) =>
  new Set([...Y.createDeleteSetFromStructStore(doc.store).clients].flatMap(([client, ranges]) =>
    ranges.flatMap(({ clock, len }) => Array.from({ length: len }, (_, i) => `${client} ${clock + i}`))));

function makeCase() {
  const authors = [11, 222222, 3333333333].slice(0, 1 + random(3)).map((id) => {
    const doc = new Y.Doc();
    doc.clientID = id;
    return doc;
  });
  const ours = new Y.Doc(), stock = new Y.Doc();
  const lossOutOf = [1000, 8, 3][random(3)];
  const echoes = [], proven = new Map();
  ours.on("update", (update) => {
    if (random(lossOutOf)) Y.applyUpdate(stock, update);
  });
  stock.on("update", (update) => {
    if (random(lossOutOf * 2)) echoes.push(update);
  });
  for (let edits = 4 + random(12); edits > 0; edits--) {
    const author = authors[random(authors.length)];
    if (random(2)) Y.applyUpdate(author, Y.encodeStateAsUpdate(ours, Y.encodeStateVector(author)));
    const before = Y.encodeStateVector(author);
    edit(author);
    Y.applyUpdate(ours, Y.encodeStateAsUpdate(author, before));
  }
  echoes.forEach((update) => learn(proven, update));
  const heard = echoes.map(hex);

  const clocks = clocksOf(ours), real = clocksOf(stock);
  for (const [client, clock] of proven) if (clock > real.get(client)) throw new Error("proves too much");
  const asked = new Map([...clocks].map(([client, clock]) => [client, Math.min(clock, proven.get(client) ?? 0)]));
  const answer = Y.encodeStateAsUpdate(stock, vector(asked));
  const tail = new Map([...clocks].map(([client, clock]) =>
    [client, (proven.get(client) ?? 0) < clock ? clock - 1 : clock]));
  const pending = stock.store.pendingStructs !== null || stock.store.pendingDs !== null;
  const tailAnswer = Y.encodeStateAsUpdate(stock, vector(tail));
  const undeleted = [...deleted(ours)].filter((unit) => !deleted(stock).has(unit)).length;
  const oursVector = Y.encodeStateVector(ours), ourDeletions = Y.encodeStateAsUpdate(ours, oursVector);

  Y.applyUpdate(stock, Y.encodeStateAsUpdate(ours, vector(proven)));
  const isWhole = [...clocks].every(([client, clock]) => clocksOf(stock).get(client) === clock)
    && [...deleted(ours)].every((unit) => deleted(stock).has(unit))
    && stock.getText("text").toString() === ours.getText("text").toString();
  if (!isWhole) throw new Error("not healed");

  return {
    clocks: [...clocks], deletions: hex(ourDeletions),
    echoes: heard, real: [...real], asked: [...asked], answer: hex(answer),
    tail: [...tail], tailAnswer: hex(tailAnswer), pending, undeleted,
  };
}

const cases = Array.from({ length: Number(process.argv[2]) }, makeCase);
const about = "What documents of yjs 13.6.33 say that have lost updates; made by yjs-answers.mjs.";
console.log(`{"about": "${about}", "cases": [\n${cases.map((c) => JSON.stringify(c)).join(",\n")}\n]}`);
