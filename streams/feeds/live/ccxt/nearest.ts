/** The names that someone probably meant. */

/** Up to three of `names` within a third of the word's length in edits, nearest first. */
export function nearest(word: string, names: readonly string[]): readonly string[] {
  return names
    .map((name) => ({ name, edits: name.startsWith(word) ? 1 : distance(word, name) }))
    .filter(({ edits }) => edits <= Math.max(2, word.length / 3))
    .sort((a, b) => a.edits - b.edits || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map(({ name }) => name)
}

/** Levenshtein's, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
