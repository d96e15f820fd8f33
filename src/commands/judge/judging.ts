// Opens the judges of a suite for a run: who they are, how they stand with people, and whether they moved since.
import { join } from 'node:path'
import { withStrangers } from '../../decide/judge/answered-by.ts'
import { goldCheck } from '../../decide/judge/gold.ts'
import { standingOf } from '../../decide/judge/standing.ts'
import { chosen, randomOf } from '../../decide/doctor/random.ts'
import { stateOf } from '../../decide/change/frozen.ts'
import type { GraderTools, LoadedSuite, ResolvedModel } from '../../ports.ts'
import { providerIdentity } from '../../run/address.ts'
import { openJudges, type OpenJudges } from '../../run/judges/ask-judge.ts'
import { openEmbedder } from '../../run/judges/embedder.ts'
import { Assertion } from '../../schema/assertion.ts'
import { assertionsOf } from '../../schema/suite.ts'
import type { Calibration, TypeCalibration } from '../../schema/calibration.ts'
import {
  judgedTypes,
  type JudgedType,
  type JudgeSnapshot,
  type JudgeUse,
  type Judging,
  promptsOfType,
} from '../../schema/judge.ts'
import { calibrationAt, calibrationPath, readCalibration } from '../../store/calibration-file.ts'
import { sha256 } from '../../content-hash.ts'
import { judgeIdentity, judgesNamed } from '../../store/graders.ts'
import { openRecordings, type RecordingsFile } from '../../store/recordings.ts'
import { graderMemory } from './grader-memory.ts'
import type { Session } from '../gate/session.ts'
import type { AskOptions } from '../options.ts'
import { type JudgedAnswer, judgeAll } from './grade-labels.ts'

/** Judges of one suite, open. `header`: what the run remembers. */
export type SuiteJudging = {
  header: Judging
  tools: Pick<GraderTools, 'judges' | 'embed'>
  dead: OpenJudges['dead']
  died: AbortSignal
  save(): Promise<void>
}

/** Assertions of one type by one judge, or jury, of a suite. */
type Use = {
  judge: string
  names: string[]
  type: JudgedType
  votes: number | undefined
  thresholds: Set<number>
  weighed: boolean
  /** In words; of types that have none: nothing. */
  criteria: Set<string>
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

/** Judges' answers are recorded apart from those of the target. */
export const judgeRecordings = (suite: string): string => `${suite}.judges`

async function openJudging(
  session: Session,
  suite: LoadedSuite,
  graders: NonNullable<LoadedSuite['graders']>,
): Promise<SuiteJudging> {
  const { context, project, options, budget, seed } = session
  const folder = join(project.root, project.config.recordings)
  const recordings: RecordingsFile = await openRecordings(folder, judgeRecordings(suite.suite.suite))
  const settings = { record: options.record === true, offline: options.offline === true, recordings }
  const { env, signal } = context
  const world = { env, clock: context, signal, budget, seed, ...settings }
  const since = new Map<string, Date>()
  const { suite: about, anchors = 0 } = suite.suite
  const { against }: AskOptions & { against?: string } = options
  const sameTime = against !== undefined || anchors > 0
  const memory = graderMemory(session, { about, since, sameTime })
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

/** Each judge, or jury, with each type of assertion that it grades in the suite; a vote of its own makes another one. */
function usesOf({ cases, graders }: LoadedSuite): Use[] {
  const found = new Map<string, Use>()
  for (const { case: one } of cases)
    for (const assertion of assertionsOf(one)) {
      const named = judgesNamed(assertion)
      if (!named) continue
      const names = named.names.length > 0 ? [...new Set(named.names)] : [graders?.judge ?? '']
      const judge = names.join('+')
      const key = `${judge} ${named.type} ${named.votes ?? ''}`
      const use = found.get(key) ?? {
        judge,
        names,
        type: named.type,
        votes: named.votes,
        thresholds: new Set(),
        weighed: false,
        criteria: new Set(),
      }
      if (assertion.threshold !== undefined) use.thresholds.add(assertion.threshold)
      for (const criteria of criteriaOf(assertion)) use.criteria.add(criteria)
      use.weighed ||= one.threshold !== undefined
      found.set(key, use)
    }
  return [...found.values()]
}

/** What rubric and compare judge by, as one text; the other types have one question for all. */
function criteriaOf({ args }: Assertion): string[] {
  const written: unknown = typeof args === 'string' ? args : (args as { criteria?: unknown }).criteria
  const texts = [written].flat().filter((one) => typeof one === 'string')
  return texts.length === 0 ? [] : [texts.join('\n')]
}

/** A judge may be good at one thing and bad at another. */
function otherCriteria({ judge, type, criteria }: Use, { gold }: TypeCalibration): string[] {
  const known = new Set(
    gold.flatMap((one) => {
      const read = Assertion.safeParse(one.assert)
      return read.success ? criteriaOf(read.data) : []
    }),
  )
  const others = [...criteria].filter((one) => !known.has(one))
  if (known.size === 0 || others.length === 0) return []
  const which = others.length === criteria.size ? 'other criteria than' : `other criteria than ${others.length} of`
  return [
    `The judge ${judge} (${type}) was calibrated on ${which} those that it judges by here: that it errs as often by them is taken for granted.`,
  ]
}

/** Of a jury: of all of its judges together. */
export function identityOf(
  { names, type, votes }: Pick<Use, 'names' | 'type' | 'votes'>,
  { judges }: NonNullable<LoadedSuite['graders']>,
): string {
  const all = names.map((name) => {
    const judge = judges[name]
    return judge ? judgeIdentity(judge, type, votes) : ''
  })
  return all.length === 1 ? (all[0] ?? '') : sha256(all.join('\n'))
}

/** The calibration that counts: in CI that of the base, so that no change makes its own judge mild. */
async function calibrationOf(
  { project, bases }: Session,
  { suite }: LoadedSuite,
  judge: string,
): Promise<{ calibration: Calibration | null; note: string | null }> {
  const own = await readCalibration(project, judge)
  const base = bases?.get(suite.suite)
  if (base === undefined || base === null) return { calibration: own, note: null }
  const calibration = await calibrationAt(project, base, judge)
  if (JSON.stringify(calibration) === JSON.stringify(own)) return { calibration, note: null }
  const what = calibration === null ? 'adds' : own === null ? 'removes' : 'touches'
  const then = calibration === null ? 'it counts from the merge on' : 'that of the base is used'
  return { calibration, note: `This change ${what} ${calibrationPath(project, judge)}: ${then}.` }
}

type Opened = { graders: NonNullable<LoadedSuite['graders']>; judges: OpenJudges; found: TypeCalibration }

/** Judges a few calibrated answers again. A sentence: why not; null: none are wanted. */
async function askGold({ options, seed, shard }: Session, use: Use, { graders, judges, found }: Opened) {
  const members = use.names.flatMap((name) => graders.judges[name] ?? [])
  const count = Math.max(0, ...members.map((judge) => judge.gold))
  if (count === 0 || found.gold.length === 0) return null
  const replays = members.some(({ model }) => model.provider.config.type === 'replay' && options.record !== true)
  if (options.offline || replays)
    return `Whether the judge ${use.judge} (${use.type}) moved is not known: recorded answers tell nothing about the judge of today.`
  // Shards share them out, and the whole looks at all of them together.
  const drawn = chosen(found.gold, count, randomOf(`gold ${use.judge} ${use.type} ${seed}`)).filter(
    (_, i) => !shard || i % shard.of === shard.shard - 1,
  )
  if (drawn.length === 0) return null
  const asked = drawn.flatMap((one) => {
    const read = Assertion.safeParse(one.assert)
    return read.success ? [{ ...one, assertion: withJudge(read.data, use) }] : []
  })
  const answers = await judgeAll(asked, { ...judges, ask: judges.askAnew, advisory: () => null })
  const rejudged = asked.map(({ passed }, i) => ({ before: passed, now: answers[i]?.passed ?? null }))
  const models = answers.flatMap(({ record }) => record?.response_models ?? [])
  return { check: withStrangers(goldCheck(use.judge, use.type, rejudged), models, found.response_models), answers }
}

/** How many questions `askGold` would put to each judge of a suite; nobody is asked. */
export async function goldCalls(session: Session, suite: LoadedSuite): Promise<{ judge: string; calls: number }[]> {
  const { graders } = suite
  const { shard, options } = session
  if (!graders || options.offline) return []
  const all: { judge: string; calls: number }[] = []
  for (const use of usesOf(suite)) {
    const { calibration } = await calibrationOf(session, suite, use.judge)
    const found = calibration?.types[use.type]
    if (!found || found.identity !== identityOf(use, graders)) continue
    const members = use.names.flatMap((name) => graders.judges[name] ?? [])
    const whole = Math.min(found.gold.length, Math.max(0, ...members.map(({ gold }) => gold)))
    const answers = shard ? Math.floor((whole + shard.of - shard.shard) / shard.of) : whole
    // Comparisons are asked in both orders.
    const questions = promptsOfType[use.type].length * (use.type === 'compare' ? 2 : 1)
    for (const { name, votes } of members) all.push({ judge: name, calls: answers * questions * (use.votes ?? votes) })
  }
  return all
}

/** The assertion as these judges are asked in the suite. */
export function withJudge(assertion: Assertion, { names, votes }: Pick<Use, 'names' | 'votes'>): Assertion {
  const { args } = assertion
  const own: object =
    typeof args === 'string' ? { criteria: args } : typeof args === 'object' && !Array.isArray(args) ? args : {}
  return { ...assertion, args: { ...own, judge: names, ...(votes !== undefined && { votes }) } } as Assertion
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
