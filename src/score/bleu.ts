// BLEU of one sentence against one reference.

function ngrams(tokens: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (let i = 0; i + n <= tokens.length; i++) {
    const gram = tokens.slice(i, i + n).join('\u0000')
    counts.set(gram, (counts.get(gram) ?? 0) + 1)
  }
  return counts
}

/**
 * Sentence BLEU-4 in [0, 1] of a candidate against one reference, both as tokens; 0 when either is empty.
 * Modified n-gram precision, brevity penalty and geometric mean: Papineni, Roukos, Ward, Zhu, "BLEU" (ACL 2002), §2.
 * Smoothing 2 of Chen & Cherry, "A Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU" (WMT 2014):
 * one is added to numerator and denominator for n > 1 (Lin & Och 2004). Thus a text of one token equals itself with 1.
 */
export function bleu(candidate: readonly string[], reference: readonly string[]): number {
  if (candidate.length === 0 || reference.length === 0) return 0
  let logs = 0
  for (const n of [1, 2, 3, 4]) {
    const wanted = ngrams(reference, n)
    let matches = 0
    for (const [gram, count] of ngrams(candidate, n)) matches += Math.min(count, wanted.get(gram) ?? 0)
    const total = Math.max(0, candidate.length - n + 1)
    const precision = n === 1 ? matches / total : (matches + 1) / (total + 1)
    if (precision === 0) return 0
    logs += Math.log(precision) / 4
  }
  const brevity = Math.min(0, 1 - reference.length / candidate.length)
  return Math.min(1, Math.exp(brevity + logs))
}
