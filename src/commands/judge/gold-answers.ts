// Gold answers: a few that people labelled, which a calibrated judge is asked again to see whether it moved.
import { withStrangers } from '../../decide/judge/answered-by.ts'
import { goldCheck } from '../../decide/judge/gold.ts'
import { chosen, randomOf } from '../../decide/doctor/random.ts'
import type { LoadedSuite } from '../../ports.ts'
import type { OpenJudges } from '../../run/judges/ask-judge.ts'
import { Assertion } from '../../schema/assertion.ts'
import type { Calibration, TypeCalibration } from '../../schema/calibration.ts'
import { promptsOfType } from '../../schema/judge.ts'
import { calibrationAt, calibrationPath, readCalibration } from '../../store/calibration-file.ts'
import type { Session } from '../gate/session.ts'
import { judgeAll } from './grade-labels.ts'
import { identityOf, type Use, usesOf, withJudge } from './judge-uses.ts'

/** The calibration that counts: in CI that of the base, so that no change makes its own judge mild. */
export async function calibrationOf(
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
export async function askGold({ options, seed, shard }: Session, use: Use, { graders, judges, found }: Opened) {
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
