// "Did you mean": commander does it for options; this is for keys and variables of the configuration.

/** Edits after which a name is another name rather than a slip. */
const MAX_EDITS = 3;
/** Of a name's letters, the part that must have been right. */
const MIN_SIMILARITY = 0.5;

/** The known name that the wrong one was probably meant to be. */
export function suggestion(wrong: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map(name => ({ name, edits: editDistance(wrong, name) }))
    .filter(({ name, edits }) => edits <= MAX_EDITS && 1 - edits / Math.max(name.length, wrong.length) > MIN_SIMILARITY)
    .sort((a, b) => a.edits - b.edits);
  return best?.name;
}

/** The suggestion as the end of a message, or the list of what there is. */
export function didYouMean(wrong: string, known: readonly string[]): string {
  const meant = suggestion(wrong, known);
  return meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${meant}?`;
}

/** Letters to insert, delete, replace, or swap with their neighbour, to make one name of the other. */
function editDistance(a: string, b: string): number {
  let [beforeLast, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) edits = Math.min(edits, (beforeLast[j - 2] ?? 0) + 1);
      row.push(edits);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
