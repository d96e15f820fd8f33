// Grades that come again and again are kept once: most answers of a large run get the very same ones.
import type { Score } from '../schema/run.ts'

/** So many different grades, and lists of them, are kept to be compared with. */
const MOST = 10_000

type Node = { scores?: Score[]; next: Map<Score, Node> }

/** Makes a function that gives back the same list for equal scores. What a judge or an embedding graded stays on its own. */
export function sharedScores(): (scores: Score[]) => Score[] {
  const known = new Map<string, Score>()
  const root: Node = { next: new Map() }
  let lists = 0
  const one = (score: Score): Score => {
    const { assertion, passed, weight, reason, deterministic, type, judged, embedded } = score
    if (judged || embedded) return score
    const name = `${passed} ${score.score} ${weight} ${deterministic} ${JSON.stringify([assertion, type, reason])}`
    const before = known.get(name)
    if (!before && known.size < MOST) known.set(name, score)
    return before ?? score
  }
  return (scores) => {
    let node = root
    const same = scores.map(one)
    for (const score of same) {
      let next = node.next.get(score)
      if (!next) {
        if (lists >= MOST) return same
        lists += 1
        next = { next: new Map() }
        node.next.set(score, next)
      }
      node = next
    }
    node.scores ??= same
    return node.scores
  }
}
