// Files that a person takes away.

/** Rows of a node as lines of a table: name of a column -> value. */
export function memberLines(tree, state, m) {
  const { rows } = tree;
  const lines = [];
  for (let i = tree.start[m]; i < tree.end(m); i++) {
    const line = { row: rows.row[i], name: rows.name === null ? "" : rows.name[i] };
    if (rows.part !== null) line.part = rows.part[i];
    line.node = rows.node[i];
    line.path = tree.pathOfNumber(rows.node[i]);
    line.cluster = rows.cluster[i];
    if (rows.label !== null) line.label = tree.labelOf(i);
    line.names = tree
      .path(rows.last[i])
      .map((v) => state.nameOf(v))
      .filter((name) => name !== null)
      .join(" / ");
    lines.push(line);
  }
  return lines;
}

/** Lines as CSV (RFC 4180). */
export function csv(lines) {
  const quoted = (value) => {
    const text = String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const columns = Object.keys(lines[0]);
  return [columns, ...lines.map((line) => columns.map((name) => line[name]))]
    .map((values) => `${values.map(quoted).join(",")}\r\n`)
    .join("");
}

/** The content of names.json. */
export function names(tree, state) {
  return {
    format: "tfsp-names",
    version: 1,
    data: tree.structure.data,
    tree: tree.structure.run,
    names: [...state.names]
      .filter(([number]) => tree.place.has(number))
      .map(([number, name]) => ({ node: number, name, size: tree.count[tree.place.get(number)] }))
      .sort((a, b) => a.node - b.node),
  };
}

export const json = (content) => `${JSON.stringify(content, null, 2)}\n`;

/** Hands a file to the browser. */
export function save(name, content, type = "application/json") {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
