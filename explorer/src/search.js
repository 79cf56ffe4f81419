// Finding rows by name or label.

/**
 * Rows whose name or label holds the text, sorted; null for no text. Rows without a name are found by
 * their whole number alone: parts of numbers say nothing.
 */
export function search(tree, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return null;
  const labels = new Set();
  (tree.classes ?? []).forEach((name, index) => {
    if (name.toLowerCase().includes(wanted)) labels.add(index);
  });
  const number = wanted.replace(/^row\s+/, "");
  const named = (i) =>
    tree.rows.name === null
      ? String(tree.rows.row[i]) === number
      : tree.rows.name[i].toLowerCase().includes(wanted);
  const found = [];
  for (let i = 0; i < tree.numRows; i++) {
    if ((tree.rows.label !== null && labels.has(tree.rows.label[i])) || named(i)) found.push(i);
  }
  return found;
}
