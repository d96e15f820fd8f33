// Whether a plan fits the budget, in sentences: for `aigate plan`, and for the warning before a run.
import type { Budget } from '../../schema/config.ts'
import type { PlannedSuite, RunPlan, Spending } from '../../schema/run-plan.ts'
import { counted, dollars } from '../words.ts'
import { tokensOf } from './spending.ts'

type Limit = keyof Budget

const seconds = (ms: number): string => (ms >= 90_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 1000)} s`)

/** Each limit: what a plan would take of it (null: not known), how both are said, and the option that sets it. */
const LIMITS: {
  [L in Limit]-?: { need: (of: Spending) => number | null; say: (value: number) => string; does: string; flag: string }
} = {
  max_calls: { need: ({ calls }) => calls, say: (n) => counted(n, 'call'), does: 'would be made', flag: '--max-calls' },
  max_cost_usd: {
    need: ({ cost_usd }) => cost_usd,
    say: (usd) => `about ${dollars(usd)}`,
    does: 'would be spent',
    flag: '--max-cost',
  },
  max_tokens: {
    need: tokensOf,
    say: (n) => `about ${counted(n, 'token')}`,
    does: 'would be used',
    flag: '--max-tokens',
  },
  max_duration: {
    need: ({ duration_ms }) => duration_ms,
    say: (ms) => `about ${seconds(ms)}`,
    does: 'would go by',
    flag: '--max-duration',
  },
}
const NAMES = Object.keys(LIMITS) as Limit[]
const written: { [L in Limit]-?: (value: number) => string } = {
  max_calls: String,
  max_cost_usd: dollars,
  max_tokens: String,
  max_duration: seconds,
}

type Over = { limit: Limit; max: number; need: number }

/** The limits that a spending exceeds, the one that is reached first before the others. */
function overOf(spending: Spending, budget: Budget): Over[] {
  const over = NAMES.flatMap((limit): Over[] => {
    const [max, need] = [budget[limit], LIMITS[limit].need(spending)]
    return max !== undefined && need !== null && need > max ? [{ limit, max, need }] : []
  })
  return over.sort((a, b) => a.max / a.need - b.max / b.need)
}

const sentence = ({ limit, max, need }: Over): string =>
  `${limit} is ${written[limit](max)}, and ${LIMITS[limit].say(need)} ${LIMITS[limit].does}`

/** What of a budget is exceeded in any case, and what besides is worth a warning. */
export function againstBudget(
  total: RunPlan['total'],
  suites: readonly PlannedSuite[],
  budget: Budget,
): { exceeded: string[]; warnings: string[] } {
  const [sure, perhaps] = [overOf(total.least, budget), overOf(total.most, budget)]
  const later = perhaps.filter(({ limit }) => !sure.some((one) => one.limit === limit))
  return {
    exceeded: sure.map((one) => `${sentence(one)}: the run would be stopped (exit 4) before it has a verdict.`),
    warnings: [...later.map((one) => `${sentence(one)} when every pass is asked.`), ...unknownIn(suites, budget)],
  }
}

/**
 * What `eval` says before it asks: one line, or nothing where the budget suffices. The limit that is reached first is named,
 * with the answers that would be left unasked, and what would suffice.
 */
export function foretold({ suites, total, budget }: Pick<RunPlan, 'suites' | 'total' | 'budget'>): string | null {
  if (total.most.calls === 0) return null
  const unknown = unknownIn(suites, budget)
  const [sure] = overOf(total.least, budget)
  if (sure) {
    const { flag } = LIMITS[sure.limit]
    return `${sentence(sure)}: ${leftOut(suites, sure)}, and the run would stop there with exit 4. ${flag} ${enough(sure)} would do; \`aigate plan\` says more.`
  }
  const [perhaps] = overOf(total.most, budget)
  if (perhaps)
    return `${sentence(perhaps)} if every pass is asked: enough for the first, and a verdict that stays open longer would end with exit 4. ${LIMITS[perhaps.limit].flag} ${enough(perhaps)} would do.`
  const [first] = unknown
  return first ?? null
}

/** What a limit that is exceeded leaves out. Where every answer is there, it is the grades that judges would give. */
function leftOut(suites: readonly PlannedSuite[], { max, need }: Over): string {
  const answers = suites.reduce((sum, { open }) => sum + open.least, 0)
  const judged = suites.some(({ parts }) => parts.some(({ what, least }) => what !== 'target' && least.calls > 0))
  const all = answers > 0 ? answers : suites.reduce((sum, { least }) => sum + least.calls, 0)
  const left = Math.min(all, Math.max(1, Math.ceil(all * (1 - max / need))))
  const how = answers > 0 ? `left unasked${judged ? ' or ungraded' : ''}` : 'left unmade'
  return `about ${left} of ${counted(all, answers > 0 ? 'answer' : 'call')} would be ${how}`
}

/** A value for the option that suffices for the plan, rounded up. */
function enough({ limit, need }: Over): string {
  if (limit === 'max_calls') return String(need)
  if (limit === 'max_duration') return `${Math.ceil((need * 1.25) / 60_000)}m`
  const more = need * 1.1
  if (limit === 'max_tokens') return String(Math.ceil(more / 100) * 100)
  const unit = 10 ** (Math.floor(Math.log10(more)) - 1)
  return String(Number((Math.ceil(more / unit) * unit).toPrecision(4)))
}

/** Limits that cannot be held against the plan, because something is not known. */
function unknownIn(suites: readonly PlannedSuite[], budget: Budget): string[] {
  const what: { [L in Limit]?: string } = {
    max_cost_usd: 'The price',
    max_tokens: 'The number of tokens',
    max_duration: 'The latency',
  }
  return NAMES.flatMap((limit) => {
    const named = suites.filter(({ most }) => most.calls > 0 && LIMITS[limit].need(most) === null)
    if (budget[limit] === undefined || named.length === 0) return []
    const names = named.map(({ suite }) => suite).join(', ')
    return [`${what[limit]} of ${names} is not known: ${limit} cannot be held against this plan.`]
  })
}
