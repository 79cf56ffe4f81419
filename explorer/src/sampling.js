// Which rows stand for a stretch of rows where not all can be shown.

/**
 * `shown` rows of the stretch, evenly spaced and in order, of the coarsest level that has as many.
 *
 * Rows of one level stand together in the sheets, so that few sheets are decoded. Rows in `first`
 * (sorted; those that a search has found) come before all others.
 */
export function sample(start, count, shown, levels, first = null) {
  if (shown >= count) return Array.from({ length: count }, (_, i) => start + i);
  const chosen = first === null ? [] : between(first, start, start + count, shown);
  const wanted = shown - chosen.length;
  if (!wanted) return chosen;
  const has = (stride) => Math.ceil((start + count) / stride) - Math.ceil(start / stride);
  const stride = levels.find((each) => has(each) >= shown) ?? 1;
  const lowest = Math.ceil(start / stride);
  const number = has(stride);
  const taken = new Set(chosen);
  for (let i = 0; i < wanted; i++) {
    const row = (lowest + Math.floor(((i + 0.5) * number) / wanted)) * stride;
    if (!taken.has(row)) chosen.push(row);
  }
  return chosen;
}

/** At most `most` of the sorted numbers from `start` up to `end`. */
export function between(sorted, start, end, most = Infinity) {
  const low = firstAtLeast(sorted, start);
  return sorted.slice(low, Math.min(firstAtLeast(sorted, end), low + most));
}

export function firstAtLeast(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
