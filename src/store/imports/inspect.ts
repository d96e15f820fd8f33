// Inspect (UK AI Security Institute): logs as one JSON file, or as .eval archives with one file a sample.
import type { Score, Usage } from '../../schema/run.ts'
import { canonicalJson, sha256 } from '../../content-hash.ts'
import {
  amount,
  badResults,
  type Content,
  type Data,
  data,
  type ForeignResults,
  type ForeignTrial,
  type FormatReader,
  isData,
  isoDate,
  list,
  passes,
  type ReadOptions,
  shown,
  slug,
  text,
} from './foreign.ts'
import { looseJson } from './loose-json.ts'
import { zipEntries } from './zip.ts'

const isLog = (value: unknown): value is Data =>
  isData(value) && isData(value.eval) && text(value.eval.task) !== undefined && typeof value.status === 'string'

export const inspect: FormatReader = {
  what: 'Inspect logs (.eval and .json)',
  matches(content) {
    return content.kind === 'json' ? isLog(content.value) : content.kind === 'zip' && hasHeader(content.bytes)
  },
  read(content, options) {
    const { header, samples } = content.kind === 'zip' ? unpacked(content.bytes, options) : whole(content)
    return resultsOf(header, samples, options)
  },
}

function hasHeader(bytes: Uint8Array): boolean {
  return zipEntries(bytes, '').some(({ name }) => name === 'header.json' || name === '_journal/start.json')
}

function whole(content: Content): { header: Data; samples: unknown[] } {
  const header = data(content.kind === 'json' ? content.value : undefined)
  return { header, samples: list(header.samples) }
}

/** header.json is written last: a log without it was interrupted, and _journal/start.json says what it was. */
function unpacked(bytes: Uint8Array, { file }: ReadOptions): { header: Data; samples: unknown[] } {
  const entries = zipEntries(bytes, file)
  const json = (entry: (typeof entries)[number]): unknown => {
    const value = looseJson(new TextDecoder().decode(entry.read()))
    if (value === undefined) throw badResults(file, `${entry.name} in the log is no JSON.`, 'Copy the log again.')
    return value
  }
  const named = (name: string) => entries.find((entry) => entry.name === name)
  const [header, start] = [named('header.json'), named('_journal/start.json')]
  const samples = entries.filter(({ name }) => name.startsWith('samples/') && name.endsWith('.json')).map(json)
  if (header) return { header: data(json(header)), samples }
  return { header: { ...(start && data(json(start))), status: 'started' }, samples }
}

function resultsOf(header: Data, samples: unknown[], options: ReadOptions): ForeignResults {
  const about = data(header.eval)
  const status = text(header.status) ?? 'unknown'
  const version = text(data(about.packages).inspect_ai)
  const commit = text(data(about.revision).commit)
  const dirty = data(about.revision).dirty === true
  const model = text(about.model)
  return {
    label: [text(about.task) ?? 'inspect', model].filter((part) => part !== undefined).join(' | '),
    target: [about.task, about.task_version, about.task_args, model, about.model_args, about.model_generate_config],
    tool: version === undefined ? 'inspect_ai' : `inspect_ai ${version}`,
    started_at: isoDate(about.created),
    git: commit === undefined ? null : { commit, branch: null, dirty },
    stopped: stoppedBy(status, samples, header),
    trials: samples.map((sample, at) => trialOf(data(sample), at, options)),
    notes: [],
  }
}

/** Why the log is not the whole evaluation. What it counts, but does not hold, was judged by nobody. */
function stoppedBy(status: string, samples: unknown[], header: Data): string | undefined {
  if (status !== 'success') return `Inspect ended this log with the status "${status}"`
  const total = amount(data(header.results).total_samples)
  if (total === undefined || total <= samples.length) return undefined
  return `the log counts ${total} samples, but holds only ${samples.length} of them (log_samples or a limit of the export)`
}

/** Inspect numbers samples without an id by their place: a number is no identity, the input is. */
function trialOf(sample: Data, at: number, options: ReadOptions): ForeignTrial {
  const attachments = data(sample.attachments)
  const input = resolved(sample.input, attachments)
  const content = {
    input: contentOnly(input),
    choices: sample.choices ?? null,
    target: resolved(sample.target, attachments),
  }
  const asked = sha256(canonicalJson([content.input, content.choices])).slice(0, 8)
  const named = typeof sample.id === 'string' && !/^\d+$/.test(sample.id) ? sample.id : undefined
  const id = named ?? `${slug(inputText(input))}-${asked}`
  const epoch = amount(sample.epoch)
  const output = data(sample.output)
  const message = data(data(list(output.choices)[0]).message)
  const seconds = amount(sample.working_time) ?? amount(output.time) ?? amount(sample.total_time)
  return {
    id,
    content,
    trial: epoch !== undefined && Number.isInteger(epoch) && epoch > 0 ? epoch : undefined,
    category: text(data(sample.metadata).category),
    answer: text(output.completion) ?? inputText(resolved(message.content, attachments)),
    latency_ms: seconds === undefined ? undefined : seconds * 1000,
    usage: usageOf(data(output.usage)),
    response_model: text(output.model),
    ...gradeOf(sample, `sample ${shown(sample.id) || at + 1}`, options),
  }
}

/** Long texts lie aside in `attachments`, and `attachment://<key>` (once tc://) stands in their place. */
function resolved(value: unknown, attachments: Data): unknown {
  if (typeof value === 'string') {
    const key = /^(?:attachment|tc):\/\/(\w+)$/.exec(value)?.[1]
    return key !== undefined && Object.hasOwn(attachments, key) ? attachments[key] : value
  }
  if (Array.isArray(value)) return value.map((one) => resolved(one, attachments))
  if (!isData(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one, attachments)]))
}

/** Messages without the ids that each run makes anew. */
const contentOnly = (input: unknown): unknown =>
  Array.isArray(input) ? input.map((one) => [data(one).role ?? null, data(one).content ?? one]) : (input ?? null)

function inputText(input: unknown): string {
  if (!Array.isArray(input)) return isData(input) ? (text(input.text) ?? inputText(input.content)) : shown(input)
  return inputText(
    input.findLast((one) => data(one).role === 'user') ?? input.find((one) => text(data(one).text)) ?? '',
  )
}

function usageOf({ input_tokens: input, output_tokens: output }: Data): Usage | undefined {
  if (!Number.isSafeInteger(input) || !Number.isSafeInteger(output)) return undefined
  return { input_tokens: Number(input), output_tokens: Number(output) }
}

type Graded = Pick<ForeignTrial, 'passed' | 'score' | 'scores' | 'error' | 'ungraded'>

/** A sample passes when every scorer passes it. One that no scorer graded is not measured. */
function gradeOf(sample: Data, where: string, options: ReadOptions): Graded {
  const nothing = { passed: null, score: null }
  if (isData(sample.error)) {
    const message = text(sample.error.message) ?? 'the sample failed'
    return { ...nothing, error: { kind: 'server_error', message } }
  }
  // Logs of 2024 hold one score under `score`.
  const given = isData(sample.scores) ? sample.scores : isData(sample.score) ? { score: sample.score } : {}
  const scores: Score[] = []
  for (const [scorer, score] of Object.entries(given)) {
    for (const [name, value] of valuesOf(scorer, data(score).value)) {
      const found = valueOf(value, `${where} (${name})`, options)
      if (found === undefined) return { ...nothing, ungraded: `${name} gave no score` }
      const reason = shown(data(score).explanation) || shown(data(score).answer)
      scores.push({ assertion: name, ...found, weight: 1, reason, deterministic: false })
    }
  }
  if (scores.length === 0) return { ...nothing, ungraded: 'the log holds no score' }
  const mean = scores.reduce((sum, { score }) => sum + score, 0) / scores.length
  return { passed: scores.every(({ passed }) => passed), score: mean, scores }
}

/** A scorer may give several values by name. */
const valuesOf = (scorer: string, value: unknown): [string, unknown][] =>
  isData(value) ? Object.entries(value).map(([key, one]) => [`${scorer}/${key}`, one]) : [[scorer, value]]

/** Correct, partially correct, incorrect, no answer: the letters of Inspect and what its own metrics take them for. */
const letters: Record<string, { passed: boolean; score: number }> = {
  C: { passed: true, score: 1 },
  P: { passed: false, score: 0.5 },
  I: { passed: false, score: 0 },
  N: { passed: false, score: 0 },
}

/** undefined: NaN or nothing, which is how Inspect writes "not scored". */
function valueOf(value: unknown, where: string, options: ReadOptions): { passed: boolean; score: number } | undefined {
  if (value === null || value === undefined) return undefined
  if (typeof value === 'boolean') return { passed: value, score: value ? 1 : 0 }
  if (typeof value === 'number') return { passed: passes(value, where, options), score: value }
  const letter = typeof value === 'string' && Object.hasOwn(letters, value) ? letters[value] : undefined
  if (letter) {
    return options.passScore === undefined ? letter : { ...letter, passed: letter.score >= options.passScore }
  }
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
  if (Number.isFinite(number)) return { passed: passes(number, where, options), score: number }
  throw badResults(
    options.file,
    `${where} has the score ${JSON.stringify(value)}, which is none of C, P, I, N and no number.`,
    'Map the values of this scorer to numbers between 0 and 1.',
  )
}
