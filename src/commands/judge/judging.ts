// Opens the judges of a suite for a run: who they are, how they stand with people, and whether they moved since.
import { standingOf } from '../../decide/judge/standing.ts'
import { stateOf } from '../../decide/change/frozen.ts'
import type { GraderTools, LoadedSuite, ResolvedModel } from '../../ports.ts'
import { providerIdentity } from '../../run/address.ts'
import { openJudges, type OpenJudges } from '../../run/judges/ask-judge.ts'
import { openEmbedder } from '../../run/judges/embedder.ts'
import {
  judgedTypes,
  type JudgedType,
  type JudgeSnapshot,
  type JudgeUse,
  type Judging,
  promptsOfType,
} from '../../schema/judge.ts'
import { judgeRecordings } from '../../store/recordings.ts'
import { askGold, calibrationOf } from './gold-answers.ts'
import { graderMemory, withTold } from './grader-memory.ts'
import { identityOf, otherCriteria, usesOf } from './judge-uses.ts'
import type { Session } from '../gate/session.ts'
import { suiteRecordings } from '../gate/suite-recordings.ts'
import type { AskOptions } from '../options.ts'
import type { JudgedAnswer } from './grade-labels.ts'

/** Judges of one suite, open. `header`: what the run remembers. */
export type SuiteJudging = {
  header: Judging
  tools: Pick<GraderTools, 'judges' | 'embed'>
  dead: OpenJudges['dead']
  died: AbortSignal
  save(): Promise<void>
}

const NEVER = new Date(0)

/** The judges of a suite, opened once an invocation; null where no assertion asks a model. */
export function judgingOf(session: Session, suite: LoadedSuite): Promise<SuiteJudging | null> {
  const name = suite.suite.suite
  const known = session.judging.get(name)
  if (known) return known
  const opening = suite.graders ? openJudging(session, suite, suite.graders) : Promise.resolve(null)
  session.judging.set(name, opening)
  return opening
}

async function openJudging(
  session: Session,
  suite: LoadedSuite,
  graders: NonNullable<LoadedSuite['graders']>,
): Promise<SuiteJudging> {
  const { context, options, budget, seed } = session
  const recordings = await suiteRecordings(session, suite, judgeRecordings(suite.suite.suite))
  const settings = { record: options.record === true, offline: options.offline === true, recordings }
  const { env, signal } = context
  const world = { env, clock: context, signal, budget, seed, ...settings }
  const since = new Map<string, Date>()
  const { suite: about, anchors = 0 } = suite.suite
  const { against }: AskOptions & { against?: string } = options
  const sameTime = against !== undefined || anchors > 0
  const kept = graderMemory(session, { about, since, sameTime })
  const memory = session.resumed && options.record ? withTold(recordings, kept) : kept
  const judges = await openJudges(graders, { ...world, memory })
  const uses: JudgeUse[] = []
  const notes: string[] = []
  const gold: Judging['gold'] = []
  const spent: JudgedAnswer[] = []
  const found = usesOf(suite)
  for (const use of found) {
    const { calibration, note } = await calibrationOf(session, suite, use.judge)
    if (note !== null && !notes.includes(note)) notes.push(note)
    const identity = identityOf(use, graders)
    const { judge, type } = use
    const several = found.filter((one) => one.judge === judge && one.type === type).length > 1
    const { min_kappa: minKappa, uncalibrated_judges: uncalibrated = 'block' } = suite.policy
    uses.push(standingOf({ ...use, identity, several, minKappa, uncalibrated }, calibration))
    const made = calibration?.types[type]
    if (!made || made.identity !== identity) continue
    notes.push(...otherCriteria(use, made))
    // What it said before it was calibrated anew may be the word of another judge.
    for (const name of use.names) {
      const model = graders.judges[name]?.model.name ?? ''
      const at = new Date(made.at)
      if (at > (since.get(model) ?? NEVER)) since.set(model, at)
    }
    const asked = await askGold(session, use, { graders, judges, found: made })
    if (typeof asked === 'string') notes.push(asked)
    else if (asked) {
      gold.push(asked.check)
      spent.push(...asked.answers)
    }
  }
  const advisory = (names: readonly string[], type: JudgedType): string | null => {
    const own = uses.filter((one) => one.judge === names.join('+') && one.type === type)
    const use = own.length > 0 && own.every(({ weak }) => weak) ? own[0] : undefined
    if (!use) return null
    return use.kappa === null
      ? 'nobody measured how well it agrees with people'
      : `agrees too little with people (kappa ${use.kappa.toFixed(2)})`
  }
  const embed = openEmbedder(graders, { ...world, memory })
  // A judge who only advises may be gone; whoever decides a grade may not.
  const deciding = [embed, ...(uses.every(({ weak }) => weak) ? [] : [judges])]
  return {
    header: {
      judges: Object.fromEntries(Object.values(graders.judges).map((judge) => [judge.name, snapshot(judge)])),
      ...embeddingsOf(graders.embeddings),
      uses,
      gold,
      notes: [...new Set([...notes, ...pinNotes(graders)])],
      ...(spent.length > 0 && { cost: costOf(spent) }),
    },
    tools: { judges: { ...judges, advisory }, embed },
    dead: () => deciding.flatMap(({ dead }) => dead() ?? [])[0],
    died: AbortSignal.any(deciding.map(({ died }) => died)),
    save: () => (options.record ? recordings.save() : Promise.resolve()),
  }
}

const snapshot = ({
  model,
  votes,
  output,
  prompts,
}: NonNullable<LoadedSuite['graders']>['judges'][string]): JudgeSnapshot => ({
  model: { name: model.name, ...askedBy(model) },
  votes,
  output,
  prompts: Object.fromEntries(
    [...new Set(judgedTypes.flatMap((type) => promptsOfType[type]))].map((part) => [
      part,
      `${prompts[part].version} ${prompts[part].hash}`,
    ]),
  ),
})

/** Who is asked, and for what: a run that goes on is graded by the same ones. */
function askedBy({ pin, provider }: ResolvedModel) {
  const { base_url, api_version } = providerIdentity(provider.config)
  const address = { ...(base_url !== undefined && { base_url }), ...(api_version !== undefined && { api_version }) }
  return { provider: provider.name, ...address, id: pin.id, params: pin.params }
}

function embeddingsOf(models: Readonly<Record<string, ResolvedModel>>): Pick<Judging, 'embeddings'> {
  const all = Object.values(models)
  if (all.length === 0) return {}
  const pins = all.map((model) => [model.name, askedBy(model)] as const)
  return { embeddings: Object.fromEntries(pins) }
}

/** What is said of judges and embedding models that are no pins, as it is said of the target's model. */
function pinNotes({ judges, embeddings }: NonNullable<LoadedSuite['graders']>): string[] {
  const models = [
    ...Object.values(judges).map((judge) => [`Judge ${judge.name}`, judge.model] as const),
    ...Object.values(embeddings).map((model) => ['Embeddings', model] as const),
  ]
  return models.flatMap(([what, { pin, provider }]) => {
    const { state, why } = stateOf(pin, provider.config)
    if (state === 'pinned' || pin.allow_unpinned !== undefined) return []
    return [
      `${what}: ${pin.id} ${state === 'alias' ? 'is an alias' : 'is not known to be a pin'} (${why}); another model may judge tomorrow.`,
    ]
  })
}

function costOf(answers: readonly JudgedAnswer[]): NonNullable<Judging['cost']> {
  const records = answers.flatMap(({ record, lost }) => record ?? lost ?? [])
  const known = records.every(({ cost_usd }) => cost_usd !== null)
  const sum = (of: (record: (typeof records)[number]) => number) => records.reduce((total, one) => total + of(one), 0)
  return { calls: sum(({ calls }) => calls), cost_usd: known ? sum(({ cost_usd }) => cost_usd ?? 0) : null }
}
