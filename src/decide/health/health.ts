// Who is asked whether it is healthy, and what an answer says about that.
import type { LoadedSuite } from '../../ports.ts'
import type { Config, ModelPin } from '../../schema/config.ts'
import type { HealthConfig, HealthRow } from '../../schema/health.ts'
import type { ReleaseManifest } from '../../schema/release.ts'
import type { Completion, ErrorKind } from '../../schema/run.ts'
import type { Outcome } from '../../schema/verdict.ts'

/** A model that is in use: `suite` has a case to ask it; `why`: who needs it. */
export type UsedModel = { name: string; pin: ModelPin; suite: LoadedSuite | null; why: string }

/**
 * The models of the registry that are in use, each once, in the order of the registry: those that suites ask, those that
 * one would roll back to, and those whose status is production or rollback_ready. With a release, those of the release
 * instead, as it holds them, and where one would go back to from them.
 */
export function modelsInUse(
  { models }: Pick<Config, 'models'>,
  suites: readonly LoadedSuite[],
  release: ReleaseManifest | null,
): UsedModel[] {
  const used = new Map<string, UsedModel>()
  const add = (name: string, pin: ModelPin | undefined, suite: LoadedSuite | null, why: string) => {
    if (pin && !used.has(name)) used.set(name, { name, pin, suite, why })
  }
  if (release) {
    for (const { name, provider, id, params } of release.models)
      add(name, { ...models[name], provider, id, params }, suiteOf(suites, name), `release ${release.id}`)
  } else {
    for (const suite of suites)
      if (suite.target.kind === 'prompt')
        add(suite.target.model.name, suite.target.model.pin, suite, `suite ${suite.suite.suite}`)
    for (const [name, pin] of Object.entries(models))
      if (pin.status === 'production' || pin.status === 'rollback_ready')
        add(name, pin, suiteOf(suites, name), `status ${pin.status}`)
  }
  // What is added on the way is come to as well: a model to go back to has its own.
  for (const one of used.values()) {
    const back = one.pin.rollback_to
    if (back !== undefined) add(back, models[back], one.suite, `${one.name} rolls back to it`)
  }
  const order = Object.keys(models)
  return [...used.values()].toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
}

function suiteOf(suites: readonly LoadedSuite[], model: string): LoadedSuite | null {
  return suites.find(({ target }) => target.kind === 'prompt' && target.model.name === model) ?? null
}

/** The case that is asked: the first with the tag smoke, else the first. */
export function smokeCase(suite: LoadedSuite | null): LoadedSuite['cases'][number]['case'] | null {
  const cases = suite?.cases.map((one) => one.case) ?? []
  return cases.find(({ tags }) => tags.includes('smoke')) ?? cases[0] ?? null
}

/** What says nothing about the health of the other side: it was not asked, or asked too often. */
const NOT_MEASURED: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'no_key',
  'not_recorded',
  'rate_limit',
  'budget',
  'interrupted',
])

type Found = Pick<HealthRow, 'outcome' | 'said'>
const found = (outcome: Outcome, said: string): Found => ({ outcome, said })

/**
 * What an answer says. `graded`: whether the question's assertions passed and, if not, why; null: it has none, and any
 * answer with text will do. Healthy is only who answered, rightly and in time.
 */
export function judgeHealth(
  completion: Completion,
  graded: { passed: boolean | null; reason: string } | null,
  { max_latency: most, timeout }: Pick<HealthConfig, 'max_latency' | 'timeout'>,
): Found {
  const { outcome, error, latency_ms: latency } = completion
  if (outcome === 'timeout') return found('fail', `No answer within ${timeout} ms.`)
  if (error) return found(NOT_MEASURED.has(error.kind) ? 'invalid' : 'fail', `${error.kind}: ${error.message}`)
  if (outcome === 'refused') return found('fail', 'It refused a question that it should answer.')
  if (graded?.passed === null) return found('invalid', `The answer could not be judged: ${graded.reason}`)
  if (graded?.passed === false) return found('fail', `A wrong answer: ${graded.reason}`)
  if (graded === null && completion.text.trim() === '' && completion.tool_calls.length === 0)
    return found('fail', 'An empty answer.')
  if (most !== undefined && latency !== undefined && latency > most)
    return found('fail', `Too slow: ${Math.round(latency)} ms, ${most} ms are allowed.`)
  return found('pass', graded === null ? 'It answered.' : 'It answered rightly.')
}

/** Exit by the worst: `fail` where something is unhealthy, `invalid` where something could not be asked, or nobody was. */
export function healthOutcome(rows: readonly Pick<HealthRow, 'outcome'>[]): Outcome {
  if (rows.some(({ outcome }) => outcome === 'fail')) return 'fail'
  return rows.length === 0 || rows.some(({ outcome }) => outcome !== 'pass') ? 'invalid' : 'pass'
}
