// ROUGE-L of two sequences of words. Source: Lin, ROUGE: A Package for Automatic Evaluation of Summaries (2004), §3.1.

/**
 * F1 of the longest common subsequence, from 0 to 1: twice its length over the length of both. Two empty sequences give 0.
 * Time grows with the product of the lengths, memory with the shorter one.
 */
export function rougeL(answer: readonly string[], reference: readonly string[]): number {
  const [short, long] = answer.length < reference.length ? [answer, reference] : [reference, answer]
  // Words as numbers: comparing those is cheaper.
  const numbers = new Map<string, number>()
  const numberOf = (word: string) => {
    const known = numbers.get(word) ?? numbers.size
    numbers.set(word, known)
    return known
  }
  const columns = Uint32Array.from(short, numberOf)
  const best = new Uint32Array(columns.length + 1)
  for (const word of long) {
    const number = numberOf(word)
    let diagonal = 0
    for (let at = 1; at <= columns.length; at++) {
      const above = best[at] ?? 0
      best[at] = columns[at - 1] === number ? diagonal + 1 : Math.max(above, best[at - 1] ?? 0)
      diagonal = above
    }
  }
  const total = answer.length + reference.length
  return total === 0 ? 0 : (2 * (best[columns.length] ?? 0)) / total
}
