// Finding rows by name or label.

/** Rows whose name, number or label holds the text, sorted; null for no text. */
export function search(tree, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return null;
  const labels = new Set();
  (tree.classes ?? []).forEach((name, index) => {
    if (name.toLowerCase().includes(wanted)) labels.add(index);
  });
  const found = [];
  for (let i = 0; i < tree.numRows; i++) {
    if (
      (tree.rows.label !== null && labels.has(tree.rows.label[i])) ||
      tree.nameOf(i).toLowerCase().includes(wanted)
    ) {
      found.push(i);
    }
  }
  return found;
}
