// Draft cases of what failed in production: without twins, named by what was asked, with where they come from.
import { distance } from 'fastest-levenshtein'
import type { Case } from '../../schema/suite.ts'
import { byText } from '../words.ts'

/** An event that failed, with every text of it redacted already. `at`: milliseconds since 1970. */
export type Failed = {
  at: number
  trace: string | null
  category: string | null
  vars: Record<string, string>
  metrics: readonly string[]
}
/** Two inputs that are alike to this share are one case. */
const TWINS = 0.9
/** A category must be a plain name. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const DRAFT = 'draft'

/**
 * The drafts that are new: one for each input that neither a case nor a draft asks already, oldest event first, `most`
 * at the most. `from`: the rollout, guard or file that the events are of. `hash`: of a text, hex.
 * @returns besides, how many events had a twin and how many were too many
 */
export function planDrafts(input: {
  from: string
  events: readonly Failed[]
  known: readonly Pick<Case, 'vars'>[]
  most: number
  hash(text: string): string
}): { drafts: WrittenDraft[]; twins: number; left: number } {
  const seen = input.known.map(({ vars }) => normalInput(vars))
  const drafts: WrittenDraft[] = []
  let [twins, left] = [0, 0]
  for (const event of [...input.events].sort((a, b) => a.at - b.at)) {
    const normal = normalInput(event.vars)
    if (seen.some((one) => areTwins(one, normal))) twins += 1
    else if (drafts.length >= input.most) left += 1
    else {
      seen.push(normal)
      drafts.push(draftOf(event, { from: input.from, hash: input.hash(normal).slice(0, 10) }))
    }
  }
  return { drafts, twins, left }
}

function draftOf({ at, trace, category, vars, metrics }: Failed, { from, hash }: { from: string; hash: string }) {
  const source = from.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'event'
  const when = new Date(at).toISOString()
  const traced = trace === null ? '' : `, trace ${trace.slice(0, 100)}`
  return {
    id: `${source}-${hash}`,
    description: `failed in production by ${metrics.join(', ')}: ${from}, ${when}${traced}`,
    ...(category !== null && NAME.test(category) && { category }),
    tags: [DRAFT, 'production'],
    vars,
    assert: [],
  }
}

/** What is asked, in one form: upper case, white space, punctuation and long numbers make no other question. */
export function normalInput(vars: Case['vars']): string {
  return Object.entries(vars)
    .sort(([a], [b]) => byText(a, b))
    .map(([, value]) => (typeof value === 'string' ? value : JSON.stringify(value)))
    .join(' ')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\p{N}{3,}/gu, '0')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .slice(0, 2000)
}

function areTwins(a: string, b: string): boolean {
  const longer = Math.max(a.length, b.length)
  if (a === b) return true
  if (Math.min(a.length, b.length) < TWINS * longer) return false
  return distance(a, b) <= (1 - TWINS) * longer
}

/** A case as it is written, its assertions unread. */
export type WrittenDraft = Pick<Case, 'id' | 'vars'> & { tags?: string[]; assert?: unknown[] }

/** The drafts that can count: they have an assertion, or the suite gives every case one. The tag goes. */
export function acceptable<D extends WrittenDraft>(
  drafts: readonly D[],
  suiteAsserts: number,
): { accepted: D[]; kept: D[] } {
  const ready = ({ assert = [] }: D) => assert.length + suiteAsserts > 0
  const accepted = drafts
    .filter(ready)
    .map((one) => ({ ...one, tags: (one.tags ?? []).filter((tag) => tag !== DRAFT) }))
  return { accepted, kept: drafts.filter((one) => !ready(one)) }
}
