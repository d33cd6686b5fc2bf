import assert from "node:assert/strict";
import test from "node:test";
import { labextension } from "./labextension.mjs";

const { asked, guarded, isAhead, runnersOf } = await labextension("running.js");

test("others are read by cell, and what is no run counts as nothing", () => {
  const user = { display_name: "Bob", name: "b" };
  const states = new Map([
    [1, { running: { a: 1 } }],
    [2, { running: { a: 1, b: 2 }, user }],
    [3, { running: { a: 3, c: "x", d: 1.5, e: null } }],
    [4, { running: ["a"] }],
    [5, { running: "a" }],
    [6, null],
    [7, { running: null, user: { name: {} } }],
  ]);
  assert.deepEqual(
    runnersOf(states, 1),
    new Map([
      ["a", [{ client: 2, turn: 1, name: "Bob" }, { client: 3, turn: 3, name: "Somebody" }]],
      ["b", [{ client: 2, turn: 2, name: "Bob" }]],
    ]),
  );
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`c${index}`, 1]));
  assert.equal(runnersOf(new Map([[2, { running: many }]]), 1).size, 500);
  const long = new Map([[2, { running: { a: 1 }, user: { name: "x".repeat(999) } }]]);
  assert.equal(runnersOf(long, 1).get("a")[0].name.length, 60);
});

test("of two runs one is ahead, for both sides the same", () => {
  const runs = [1, 2].flatMap((turn) => [7, 9].map((client) => ({ client, turn })));
  for (const one of runs)
    for (const other of runs)
      if (one !== other) assert.notEqual(isAhead(one, other), isAhead(other, one));
  assert.ok(isAhead({ client: 9, turn: 1 }, { client: 7, turn: 2 }), "the later turn");
  assert.ok(!isAhead({ client: 9, turn: 1 }, { client: 7, turn: 1 }), "the higher client id");
});

test("the question names who runs it", () => {
  assert.match(asked(["Bob"]), /^Bob is running this\. /);
  assert.match(asked(["Bob", "Eve"]), /^Bob and Eve are running this\. /);
});

test("documents that are not shared run as ever", async () => {
  const options = { cell: { model: { type: "code", id: "a" } }, notebook: { sharedModel: {} } };
  const run = guarded(async (given) => given === options, () => assert.fail("nobody is asked"));
  assert.equal(await run(options), true);
});
