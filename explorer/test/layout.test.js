import assert from "node:assert/strict";
import { test } from "node:test";

import { partsOf, Parts } from "../src/parts.js";
import { between, sample } from "../src/sampling.js";
import { positions } from "../src/sheets.js";
import { gridOf, inside, TreemapLayout } from "../src/treemap_layout.js";
import { middles } from "../src/dendrogram_layout.js";
import { randomTree } from "./trees.js";

test("parts hold each row of a node once, however deep they lie", () => {
  for (let seed = 1; seed < 30; seed++) {
    const tree = randomTree(seed, 60 + seed);
    for (let m = 0; m < tree.numNodes; m++) {
      const parts = partsOf(tree, m);
      if (!tree.children[m].length) {
        assert.deepEqual(parts, []);
        continue;
      }
      const rows = parts.flatMap(({ start, count }) => Array.from({ length: count }, (_, i) => start + i));
      rows.sort((a, b) => a - b);
      assert.deepEqual(rows, Array.from({ length: tree.count[m] }, (_, i) => tree.start[m] + i));
      for (const part of parts) assert.ok(tree.isAbove(m, part.node));
    }
  }
});

test("a comb is shown as one large part and its strays", () => {
  const tree = randomTree(0, 100, true);
  const parts = partsOf(tree, 0);
  assert.ok(parts.length > 7);
  assert.ok(parts[0].count > parts[1].count);
  assert.equal(parts.reduce((sum, part) => sum + part.count, 0), tree.numRows);
});

test("paths of what is shown go from the root to the node, or to the last one above it", () => {
  const tree = randomTree(3, 80);
  const parts = new Parts(tree);
  for (let m = 0; m < tree.numNodes; m++) {
    const path = parts.path(m);
    assert.equal(path[0], 0);
    for (const node of path) assert.ok(tree.isAbove(node, m));
    for (let j = 1; j < path.length; j++) {
      assert.ok(parts.of(path[j - 1]).some((part) => part.node === path[j]));
    }
  }
});

test("cells lie within their cell, apart, with areas by their rows", () => {
  const tree = randomTree(5, 400);
  const layout = new TreemapLayout(tree, new Parts(tree), 1000, 700);
  const walk = (cell) => {
    const cells = layout.within(cell);
    const place = inside(cell);
    for (const [i, a] of cells.entries()) {
      assert.ok(a.x >= place.x - 1e-9 && a.x + a.width <= place.x + place.width + 1e-9);
      assert.ok(a.y >= place.y - 1e-9 && a.y + a.height <= place.y + place.height + 1e-9);
      assert.ok(a.width > 0 && a.height > 0);
      for (const b of cells.slice(i + 1)) {
        const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
        const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
        assert.ok(across <= 1e-9 || down <= 1e-9);
      }
      walk(a);
    }
  };
  walk(layout.root);
  for (const i of [0, 17, 399]) {
    const cells = layout.cellsOfRow(i);
    for (const cell of cells) assert.ok(cell.start <= i && i < cell.start + cell.count);
    assert.equal(layout.within(cells.at(-1)).length, 0);
  }
});

test("grids fit their place, hold all rows if these are large enough, and else as many as fit", () => {
  for (const [width, height] of [[100, 60], [31, 200], [640, 480], [27, 27], [10, 300]]) {
    for (const count of [1, 2, 7, 40, 1000, 12345]) {
      const { size, columns, shown } = gridOf(width, height, count, 26);
      const rows = Math.ceil(shown / columns);
      assert.ok(size * columns <= width + 1e-6, `${width} ${height} ${count}`);
      assert.ok(size * rows <= height + 1e-6, `${width} ${height} ${count}`);
      assert.ok(shown >= 1 && shown <= count);
      if (shown < count) assert.ok(size <= 26 * 1.5 + 1e-6);
      if (shown === count && count > 1) {
        // One more column and row of larger squares would not hold them.
        const larger = size * 1.5;
        assert.ok(Math.floor(width / larger) * Math.floor(height / larger) < count);
      }
    }
  }
});

test("samples are spread, in order, of the coarsest level that has enough", () => {
  assert.deepEqual(sample(5, 3, 10, [1]), [5, 6, 7]);
  const rows = sample(100, 6400, 100, [64, 16, 4, 1]);
  assert.equal(rows.length, 100);
  for (const row of rows) assert.equal(row % 64, 0);
  const finer = sample(100, 640, 100, [64, 16, 4, 1]);
  for (const row of finer) assert.equal(row % 4, 0);
  for (const list of [rows, finer]) {
    assert.deepEqual(list, [...new Set(list)].sort((a, b) => a - b));
    assert.ok(list[0] >= 100);
  }
  assert.ok(rows.at(-1) < 6500 && finer.at(-1) < 740);
});

test("what a search has found comes first", () => {
  const rows = sample(0, 1000, 10, [1], [3, 500, 1200]);
  assert.equal(rows.length, 10);
  assert.deepEqual(rows.slice(0, 2), [3, 500]);
  assert.deepEqual(sample(0, 1000, 2, [1], [3, 500, 700]), [3, 500]);
  assert.deepEqual(between([1, 4, 9], 4, 9), [4]);
});

test("sheets hold coarse levels first", () => {
  assert.deepEqual([...positions(10, [4, 1])], [0, 3, 4, 5, 1, 6, 7, 8, 2, 9]);
  const found = positions(1000, [64, 16, 4, 1]);
  assert.deepEqual([...found].sort((a, b) => a - b), Array.from({ length: 1000 }, (_, i) => i));
});

test("a node stands half-way between its first and its last part", () => {
  const tree = randomTree(7, 30);
  const found = middles(tree);
  for (let m = 0; m < tree.numNodes; m++) {
    assert.ok(found[m] > tree.start[m] && found[m] < tree.start[m] + tree.count[m]);
    if (!tree.children[m].length) assert.equal(found[m], tree.start[m] + tree.count[m] / 2);
  }
});
