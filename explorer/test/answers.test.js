// What answers ask for.

import assert from "node:assert/strict";
import { test } from "node:test";

import { conflict, constraints, idle } from "../src/answers.js";

const must = (...rows) => ({ kind: "must", rows });
const cannot = (rows, odd) => ({ kind: "cannot", rows, odd });
const triplet = (a, b, odd) => ({ kind: "triplet", pair: [a, b], odd });
const tree = { rows: { row: [10, 11, 12, 13, 14, 15], name: null }, structure: { data: {} } };

test("links ask for something only against one another", () => {
  assert.deepEqual([...idle([must(0, 1), triplet(0, 1, 2), cannot([3], 4)])], [0, 2]);
  assert.deepEqual([...idle([must(0, 1), cannot([1], 4)])], []);
  assert.deepEqual([...idle([must(0, 1), must(1, 2), cannot([4], 2), must(3, 5)])], [3]);
  assert.deepEqual([...idle([cannot([0, 1], 2)])], []);
});

test("of several that one does not belong with, these belong together", () => {
  const found = constraints(tree, [cannot([0, 1, 2], 3)]);
  const rows = (pairs) => pairs.map((pair) => pair.map((item) => item.row));
  assert.deepEqual(rows(found.must_links), [[10, 11], [10, 12]]);
  assert.deepEqual(rows(found.cannot_links), [[10, 13], [11, 13], [12, 13]]);
});

test("what belongs together by one answer cannot be apart by another", () => {
  assert.ok(conflict([cannot([0, 1], 2)], cannot([0], 1)));
  assert.equal(conflict([cannot([0, 1], 2)], must(0, 1)), null);
  assert.ok(conflict([must(0, 1), must(1, 2)], cannot([2], 0)));
});
