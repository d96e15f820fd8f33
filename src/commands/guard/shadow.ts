// aigate shadow: pairs of what is served and what would be served, and whether the evidence allows a promotion.
import { resolve } from 'node:path'
import { amountOf, type CriterionFinding } from '../../decide/shadow/criteria.ts'
import { type Answered, hasFailed, pairEvent, pairOf, pairUp } from '../../decide/shadow/pairing.ts'
import { type ShadowCounts, type ShadowVerdict, shadowVerdict } from '../../decide/shadow/verdict.ts'
import { AigateError } from '../../errors.ts'
import { type OutputsRead, readOutputs, readPairs, recordedAt } from '../../observe/shadow-pairs.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { shadowText, type ShadowView } from '../../report/shadow.ts'
import type { RecordedOutput, ShadowPair, ShadowPlan, SimilarityMeasure } from '../../schema/shadow.ts'
import { pairSimilarity } from '../../score/pair-similarity.ts'
import { choose, didYouMean } from '../../store/faults.ts'
import { loadProject } from '../../store/project.ts'
import { loadShadow } from '../../store/shadow-plan.ts'
import { writeText } from '../../store/write-text.ts'
import { say } from '../versions/release.ts'
import { wantsColor } from '../wants-color.ts'

export type ShadowOptions = { config?: string; json?: boolean }

/** What the pairs say now. Reads only. */
export async function judgeShadow(
  context: Context,
  project: Project,
  name: string | undefined,
): Promise<ShadowVerdict> {
  const { plan } = await loadShadow(project, name)
  const since = plan.since === undefined ? null : context.now().getTime() - plan.since
  const { root } = project
  const { signal } = context
  const logged = await readPairs(plan, { root, since, signal })
  const recorded = plan.recorded ? await recordedPairs(plan.recorded, { root, since, signal }) : null
  const seen = new Set(logged.pairs.flatMap(({ id }) => id ?? []))
  const fresh = (recorded?.pairs ?? []).filter(({ id }) => id === undefined || !seen.has(id))
  const counts: ShadowCounts = {
    unreadable: logged.unreadable + (recorded?.unreadable ?? 0),
    duplicates: logged.duplicates + (recorded?.duplicates ?? 0) + (recorded?.pairs.length ?? 0) - fresh.length,
    unpaired: recorded?.unpaired ?? 0,
    notes: [...logged.notes, ...(recorded?.notes ?? [])],
  }
  return shadowVerdict(plan, [...logged.pairs, ...fresh], counts)
}

type Recorded = NonNullable<ShadowPlan['recorded']>
type Reading = { root: string; since: number | null; signal: AbortSignal }

async function recordedPairs(
  { baseline, candidate, measure }: Recorded,
  { since, ...where }: Reading,
): Promise<ShadowCounts & { pairs: ShadowPair[] }> {
  const [before, after] = [await readOutputs(baseline, where), await readOutputs(candidate, where)]
  const { answered, unpaired } = pairUp(before.outputs, after.outputs)
  const pairs = (await pairsOf(answered, measure)).filter(
    ({ at }) => since === null || (at !== undefined && at >= since),
  )
  return { pairs, unpaired, ...together(before, after) }
}

const together = (a: OutputsRead, b: OutputsRead) => ({
  unreadable: a.unreadable + b.unreadable,
  duplicates: a.duplicates + b.duplicates,
  notes: [...a.notes, ...b.notes],
})

async function pairsOf(answered: readonly Answered[], measure: SimilarityMeasure): Promise<ShadowPair[]> {
  const pairs: ShadowPair[] = []
  for (const one of answered) {
    const at = recordedAt(one.candidate) ?? recordedAt(one.baseline)
    pairs.push(pairOf(one, await measured(one, measure), at))
  }
  return pairs
}

/** Undefined where an output is missing on either side. */
async function measured(
  { id, baseline, candidate }: Answered,
  measure: SimilarityMeasure,
): Promise<number | undefined> {
  if (baseline.output === undefined || candidate.output === undefined) return undefined
  const [a, b] = [baseline, candidate].map(({ output = '', embedding }) => ({ output, embedding }))
  try {
    return a && b && (await pairSimilarity(measure, a, b))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new AigateError('source_failed', {
      problem: `request ${id}: ${error.message}`,
      mend: 'Take the embeddings of both sides from one model.',
    })
  }
}

/** The report. @returns pass, or invalid where nothing could be measured: `verdict` decides */
export async function shadowReportCommand(
  context: Context,
  name: string | undefined,
  options: ShadowOptions,
): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const verdict = await judgeShadow(context, project, name)
  const { env, stdout } = context
  const look = { color: wantsColor(env, stdout), columns: stdout.columns ?? 80 }
  if (options.json) say(context, true, { aigate: 'shadow', ...verdict }, '')
  else stdout.write(shadowText(viewOf(verdict), look))
  return verdict.outcome === 'invalid' ? 'invalid' : 'pass'
}

/** One line and the reasons. @returns what the evidence says */
export async function shadowVerdictCommand(
  context: Context,
  name: string | undefined,
  options: ShadowOptions,
): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const verdict = await judgeShadow(context, project, name)
  const { shadow, outcome, reasons, warnings } = verdict
  for (const warning of warnings) context.stderr.write(`warning: ${warning}\n`)
  const lines = [`${shadow}: ${outcome}`, ...reasons.map((one) => `  ${one}`)]
  say(context, options.json, { aigate: 'shadow-verdict', ...verdict }, `${lines.join('\n')}\n`)
  return outcome
}

function viewOf(verdict: ShadowVerdict): ShadowView {
  return { ...verdict, criteria: verdict.criteria.map((one) => ({ ...one, ...numbersOf(one) })) }
}

function numbersOf({ unit, low, high, p, median }: CriterionFinding): { interval: string | null; test: string | null } {
  const amount = (value: number) => amountOf(unit, value)
  const interval =
    low === null ? null : `between ${amount(low)} and ${high === null ? 'any amount' : amount(high)}, at every look`
  const test =
    p === null || median === null
      ? null
      : `median ${amount(median)}; signed-rank p ${p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`} for this look alone`
  return { interval, test }
}

export type PairsOptions = {
  config?: string
  baseline: string
  candidate: string
  out?: string
  measure: SimilarityMeasure
  embeddingModel?: string
  rollout?: string
}

/** Makes events aigate.shadow.pair from recorded outputs, to a file or to stdout. */
export async function shadowPairsCommand(context: Context, options: PairsOptions): Promise<Ending> {
  const { cwd: root, signal } = context
  const before = await readOutputs(options.baseline, { root, signal })
  const after = await readOutputs(options.candidate, { root, signal })
  const { answered, unpaired } = pairUp(before.outputs, after.outputs)
  const { unreadable, duplicates, notes } = together(before, after)
  for (const note of notes) context.stderr.write(`warning: ${note}\n`)
  const embedded = options.embeddingModel === undefined ? answered : await withEmbeddings(context, answered, options)
  const pairs = await pairsOf(embedded, options.embeddingModel === undefined ? options.measure : 'cosine')
  const text = pairs.map((pair) => `${JSON.stringify(pairEvent(pair, options.rollout))}\n`).join('')
  if (options.out === undefined) context.stdout.write(text)
  else await writeText(resolve(root, options.out), text)
  const left = `${unpaired} without an answer of the other side, ${unreadable} unreadable, ${duplicates} twice`
  context.stderr.write(`${pairs.length} pairs; left out: ${left}.\n`)
  return pairs.length === 0 ? 'invalid' : 'pass'
}

/** The records with an embedding where they have none, from a model of the registry. */
async function withEmbeddings(
  context: Context,
  answered: readonly Answered[],
  { embeddingModel: name = '', config }: PairsOptions,
): Promise<Answered[]> {
  const project = await loadProject({ cwd: context.cwd, config })
  const { models, providers } = project.config
  const pin = Object.hasOwn(models, name) ? models[name] : undefined
  const named = pin && providers[pin.provider]
  const provider = named?.type === 'replay' ? named.of : named
  if (!pin || !provider) {
    const known = Object.keys(models)
    throw new AigateError('usage', {
      problem: pin
        ? `model "${name}" has no provider that could be asked`
        : `unknown model "${name}"${didYouMean(name, known)}`,
      mend: choose(name, known, 'models of aigate.yaml', 'Add it under `models` in aigate.yaml.'),
    })
  }
  const wanting = answered
    .flatMap(({ baseline, candidate }) => [baseline, candidate])
    .filter((one) => !hasFailed(one) && one.embedding === undefined)
  const { embedTexts } = await import('../../run/embeddings.ts')
  const texts = wanting.map(({ output = '' }) => (typeof output === 'string' ? output : JSON.stringify(output)))
  const found = await embedTexts(texts, { pin, provider, env: context.env, signal: context.signal })
  const embeddings = new Map(wanting.map((one, i) => [one, found[i]]))
  const filled = (one: RecordedOutput): RecordedOutput => {
    const embedding = embeddings.get(one)
    return embedding === undefined ? one : { ...one, embedding }
  }
  return answered.map(({ id, baseline, candidate }) => ({
    id,
    baseline: filled(baseline),
    candidate: filled(candidate),
  }))
}
