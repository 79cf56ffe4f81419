import assert from "node:assert/strict";
import { test } from "node:test";

import { conflict, constraints } from "../src/answers.js";
import { csv, memberLines, names } from "../src/files.js";
import { percent, short } from "../src/numbers.js";
import { search } from "../src/search.js";
import { State } from "../src/state.js";
import { randomTree } from "./trees.js";

const kept = () => ({ names: [], answers: [], answered: [], keep: () => {} });

test("constraints name rows by number and name", () => {
  const tree = randomTree(1, 20);
  const said = [
    { kind: "triplet", pair: [3, 1], odd: 2 },
    { kind: "must", rows: [4, 5, 6] },
    { kind: "cannot", rows: [7, 8], odd: 9 },
  ];
  const item = (i) => ({ row: 2 * i, name: `row-${i}.png` });
  assert.deepEqual(constraints(tree, said), {
    format: "tfsp-constraints",
    version: 1,
    data: { name: "d", rows: 40, fingerprint: "f" },
    triplets: [{ pair: [item(3), item(1)], odd: item(2) }],
    must_links: [[item(4), item(5)], [item(4), item(6)], [item(7), item(8)]],
    cannot_links: [[item(7), item(9)], [item(8), item(9)]],
  });
});

test("contradictions are found, also through others", () => {
  const said = [{ kind: "must", rows: [1, 2] }, { kind: "must", rows: [2, 3] }];
  assert.match(conflict(said, { kind: "cannot", rows: [3], odd: 1 }), /contradicts/);
  assert.equal(conflict(said, { kind: "cannot", rows: [3], odd: 4 }), null);
  const apart = [{ kind: "cannot", rows: [5, 6], odd: 7 }];
  assert.match(conflict(apart, { kind: "must", rows: [7, 8, 6] }), /contradicts/);
  const odd = [{ kind: "triplet", pair: [1, 2], odd: 3 }];
  assert.match(conflict(odd, { kind: "triplet", pair: [3, 2], odd: 1 }), /odd one out/);
  assert.equal(conflict(odd, { kind: "triplet", pair: [2, 1], odd: 3 }), null);
});

test("lines of members, and what CSV must quote", () => {
  const tree = randomTree(2, 12);
  const state = new State(tree, kept());
  state.rename(0, 'all, "of" them');
  tree.rows.name[3] = "a,b\nc";
  const lines = memberLines(tree, state, 0);
  assert.equal(lines.length, 12);
  assert.equal(lines[0].path.split("/")[0], "1000");
  const text = csv(lines);
  assert.ok(text.startsWith("row,name,node,path,cluster,label,names\r\n"));
  assert.ok(text.includes('"a,b\nc"'));
  assert.ok(text.includes('"all, ""of"" them"'));
  assert.deepEqual(names(tree, state).names, [{ node: 1000, name: 'all, "of" them', size: 12 }]);
});

test("an empty name takes the name away; what was kept is checked", () => {
  const tree = randomTree(2, 12);
  const answers = [
    { kind: "must", rows: [1, 2] },
    { kind: "must", rows: [1, 99] },
    { kind: "triplet", pair: [1, 2] },
    { kind: "other", rows: [1, 2], odd: 3 },
    null,
  ];
  const state = new State(tree, { ...kept(), names: [[1000, "x"]], answers });
  assert.equal(state.call(0), "x");
  state.rename(0, "  ");
  assert.equal(state.call(0), "Branch 1000");
  assert.deepEqual(state.answers, [answers[0]]);
});

test("search looks at names and labels, whatever their case", () => {
  const tree = randomTree(2, 12);
  assert.equal(search(tree, "  "), null);
  assert.deepEqual(search(tree, "ROW-11"), [11]);
  assert.deepEqual(search(tree, "B"), [1, 4, 7, 10]);
  assert.deepEqual(search(tree, "zzz"), []);
  tree.rows.name = null;
  assert.deepEqual(search(tree, "4"), [2]);
  assert.deepEqual(search(tree, "Row 14"), [7]);
});

test("numbers", () => {
  assert.equal(short(-1.23456), "−1.235");
  assert.equal(short(0), "0");
  assert.equal(short(1234567), "1.23e+6");
  assert.equal(short(null), "–");
  assert.equal(percent(0.004), "<1%");
  assert.equal(percent(0), "0%");
});
