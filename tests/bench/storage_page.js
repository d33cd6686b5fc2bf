// What storage_bench.py runs in a stock page, with y-indexeddb; storage_kernel.py is its twin.
window.prepare = async (name, count) => {
  const updates = [];
  const doc = new Y.Doc();
  doc.on("update", (update) => updates.push(update));
  for (let number = 0; number < count; number++) doc.getMap("state").set(`k${number % 100}`, number);
  const first = new IndexeddbPersistence(name, new Y.Doc()); // so that there is a database
  await first.whenSynced;
  await first.destroy();
  await new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => {
      const transaction = request.result.transaction(["updates"], "readwrite");
      for (const update of updates) transaction.objectStore("updates").add(update);
      transaction.oncomplete = () => resolve(request.result.close());
      transaction.onabort = () => reject(transaction.error);
    };
  });
};

window.time_load = async (name) => {
  const start = performance.now();
  const doc = new Y.Doc();
  const persistence = new IndexeddbPersistence(name, doc);
  await persistence.whenSynced;
  const taken = performance.now() - start;
  if (doc.getMap("state").size !== 100) throw new Error("not all is there");
  await persistence.destroy();
  return taken;
};

window.time_edits = async (name, count, isKept) => {
  const doc = new Y.Doc();
  const persistence = isKept ? new IndexeddbPersistence(name, doc) : undefined;
  await persistence?.whenSynced;
  const times = [];
  for (let number = 0; number < count; number++) {
    const start = performance.now();
    doc.getMap("state").set("x", number);
    await new Promise((resolve) => setTimeout(resolve));
    times.push(performance.now() - start);
  }
  await persistence?.clearData();
  return times;
};
