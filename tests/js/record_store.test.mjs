import assert from "node:assert/strict";
import test from "node:test";
import { runInThisContext } from "node:vm";
import { Clock, replace, settle, source } from "./fakes.mjs";

const openStore = runInThisContext(source("record_store.js"));

/** What `indexedDB.open` has returned, for the test to go on with. */
const requests = [];
replace("indexedDB", {
  open(name, version) {
    const request = { name, version };
    requests.push(request);
    return request;
  },
});
replace("IDBKeyRange", { bound: (...about) => about });

/** A connection with one log; each of its transactions ends as `ends` says. */
class Connection {
  isClosed = false;
  transactions = 0;

  close() {
    this.isClosed = true;
  }

  transaction() {
    if (this.isClosed) throw new DOMException("closing", "InvalidStateError");
    this.transactions += 1;
    const transaction = { error: null, objectStore: () => store };
    const answer = (result) => {
      const request = {};
      queueMicrotask(() => {
        if (!this.failure) request.result = result;
        else request.error = this.failure;
        (this.failure ? request.onerror : request.onsuccess)?.();
        setImmediate(() => {
          transaction.error = this.failure ?? null;
          (this.failure ? transaction.onabort : transaction.oncomplete)();
        });
      });
      return request;
    };
    const store = {
      get: () => answer({ life: "of test", next: 2, records: 1, bytes: 3, changed: 0 }),
      getAll: () => answer([{ number: 1, bytes: new Uint8Array([1, 2, 3]) }]),
    };
    transaction.abort = () => {};
    return transaction;
  }
}

/** Let the last request end well. */
const connect = () => {
  const connection = new Connection();
  const request = requests.at(-1);
  request.result = connection;
  request.onsuccess();
  return connection;
};

/** Let all go on. */
const wait = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test("the database is opened once, when it is needed", async () => {
  requests.length = 0;
  const store = openStore("a name");
  assert.equal(requests.length, 0);
  const both = [store.open(), store.read("log")];
  await settle();
  assert.deepEqual(requests.map(({ name, version }) => [name, version]), [["a name", 1]]);
  connect();
  const [, [life, index, bytes]] = await Promise.all(both);
  assert.equal(life, "of test");
  assert.deepEqual([...index], [1, 3]);
  assert.deepEqual([...bytes], [1, 2, 3]);
});

test("an opening that fails is told, and tried again another time", async () => {
  requests.length = 0;
  const store = openStore("a name");
  const failing = store.open();
  requests[0].error = new DOMException("no", "SecurityError");
  requests[0].onerror();
  await assert.rejects(failing, { name: "SecurityError" });
  await settle();
  const again = store.open();
  connect();
  await again;
  assert.equal(requests.length, 2);
});

test("a browser that does not open it, or another tab in the way, is told within 5 s", async () => {
  const clock = new Clock();
  for (const hinder of [() => clock.pass(5000), (request) => request.onblocked()]) {
    requests.length = 0;
    const waiting = openStore("a name").open();
    waiting.catch(() => {});
    await hinder(requests[0]);
    await assert.rejects(waiting, { name: "TimeoutError" });
    assert.ok(connect().isClosed, "what comes too late is closed");
  }
});

test("a connection that the browser closed is opened anew, and the operation done once more", async () => {
  requests.length = 0;
  const store = openStore("a name");
  const opening = store.open();
  const first = connect();
  await opening;
  first.close();
  const reading = store.read("log");
  await settle();
  assert.equal(requests.length, 2);
  const second = connect();
  assert.equal((await reading)[0], "of test");
  assert.equal(second.transactions, 1);

  second.onclose();
  const later = store.read("log");
  assert.equal(requests.length, 3, "told that it is closed, it is opened at once");
  connect().failure = new DOMException("lost", "UnknownError");
  await wait();
  await settle();
  assert.equal(requests.length, 4);
  connect().failure = new DOMException("lost again", "UnknownError");
  await assert.rejects(later, { name: "UnknownError", message: "lost again" });
  assert.equal(requests.length, 4, "once more, not for ever");
});

test("what the browser refuses is not tried again", async () => {
  requests.length = 0;
  const store = openStore("a name");
  const opening = store.open();
  const connection = connect();
  await opening;
  connection.failure = new DOMException("full", "QuotaExceededError");
  await assert.rejects(store.read("log"), { name: "QuotaExceededError" });
  assert.deepEqual([connection.transactions, requests.length], [1, 1]);
});

test("another tab that deletes or upgrades the database does not wait for us", async () => {
  requests.length = 0;
  const store = openStore("a name");
  const opening = store.open();
  const connection = connect();
  await opening;
  connection.onversionchange();
  assert.ok(connection.isClosed);
});
