// OpenAI evals (oaieval): a JSONL log of a spec, a final report and events, several events a sample.
import { canonicalJson, sha256 } from '../../content-hash.ts'
import {
  amount,
  badResults,
  type Content,
  type Data,
  data,
  type ForeignTrial,
  type FormatReader,
  isData,
  isoDate,
  passes,
  type ReadOptions,
  shown,
  slug,
  text,
} from './foreign.ts'

const NO_GRADE = 'the log holds no match, metrics or error event'

const valuesOf = (content: Content): Data[] =>
  content.kind === 'lines' ? content.values.map(({ value }) => data(value)) : []

export const openaiEvals: FormatReader = {
  what: 'OpenAI evals logs',
  matches: (content) =>
    valuesOf(content).some(({ spec }) => isData(spec) && ('eval_name' in spec || 'base_eval' in spec)),
  read(content, options) {
    const values = valuesOf(content)
    const spec = data(values.find((value) => isData(value.spec))?.spec)
    const samples = new Map<string, Data[]>()
    for (const event of values) {
      const id = text(event.sample_id)
      if (id !== undefined && isData(event.data)) samples.set(id, [...(samples.get(id) ?? []), event])
    }
    const finished = values.some((value) => 'final_report' in value)
    const models = (Array.isArray(spec.completion_fns) ? spec.completion_fns : [spec.model_name]).map(shown).join(', ')
    const trials = [...samples].map(([id, events]) => trialOf(id, events, options))
    const left = trials.filter(({ ungraded }) => ungraded === NO_GRADE).length
    return {
      label: [text(spec.eval_name) ?? 'evals', models].filter((part) => part !== '').join(' | '),
      target: [spec.eval_name ?? null, models],
      tool: 'openai/evals',
      started_at: isoDate(shown(spec.created_at).replace(/^(\S+) ([\d:.]+)$/, '$1T$2Z')),
      ...(!finished && { stopped: 'the log has no final report: the evaluation was interrupted' }),
      trials,
      notes: left > 0 ? [`${left} samples have no match, metrics or error event and count as not measured.`] : [],
    }
  },
}

/** `sample_id` is the place in the data set: the question and what was expected say which case it is. */
function trialOf(sample: string, events: readonly Data[], options: ReadOptions): ForeignTrial {
  const of = (type: string) => events.filter((event) => event.type === type).map((event) => data(event.data))
  const [sampling] = of('sampling')
  const matches = of('match')
  const metrics = of('metrics')
  const [error] = of('error')
  const question = questionOf(sampling?.prompt)
  const expected = matches[0]?.expected ?? metrics[0]?.expected ?? matches[0]?.options ?? null
  const named = question === '' ? sample : `${slug(question)}-${sha256(question).slice(0, 8)}`
  return {
    id: named,
    content: { question: question === '' ? sample : question, expected },
    answer: shown(of('sampling').at(-1)?.sampled ?? matches[0]?.sampled),
    ...gradeOf({ matches, metrics, error }, `sample ${sample}`, options),
  }
}

/** The prompt under test is no part of the case: of messages only those of the user and of the examples count. */
function questionOf(prompt: unknown): string {
  if (!Array.isArray(prompt)) return shown(prompt)
  const asked = prompt.filter((message) => !['system', 'developer'].includes(String(data(message).role)))
  return asked.map((message) => shown(data(message).content ?? message)).join('\n')
}

type Events = { matches: Data[]; metrics: Data[]; error: Data | undefined }

/** A sample passes when each of its matches does; without a match, its one metric decides (accuracy, score, …). */
function gradeOf({ matches, metrics, error }: Events, where: string, options: ReadOptions) {
  const nothing = { passed: null, score: null }
  if (matches.length > 0) {
    const passed = matches.every(({ correct }) => correct === true)
    const reason = `expected ${canonicalJson(matches[0]?.expected ?? null)}, picked ${canonicalJson(matches[0]?.picked ?? null)}`
    return { passed, score: passed ? 1 : 0, scores: [scoreOf('match', passed, passed ? 1 : 0, reason)] }
  }
  if (metrics.length === 0) {
    if (error === undefined) return { ...nothing, ungraded: NO_GRADE }
    return {
      ...nothing,
      error: { kind: 'server_error' as const, message: shown(error.message) || 'the sample failed' },
    }
  }
  const [name, value] = metricOf(Object.assign({}, ...metrics) as Data, where, options)
  if (value === undefined) return { ...nothing, ungraded: `${name} has no value` }
  const passed = passes(value, `${where} (${name})`, options)
  return { passed, score: value, scores: [scoreOf(name, passed, value, `${name} ${value}`)] }
}

const scoreOf = (assertion: string, passed: boolean, score: number, reason: string) => ({
  assertion,
  passed,
  score,
  weight: 1,
  reason,
  deterministic: false,
})

/** The metrics that mean "right", in this order; a single other metric is taken as well. */
const meaning = ['correct', 'accuracy', 'passed', 'score', 'f1_score']

function metricOf(all: Data, where: string, { file }: ReadOptions): [string, number | undefined] {
  const numbers = Object.entries(all).filter(([, value]) => typeof value === 'number' || typeof value === 'boolean')
  const name = meaning.find((one) => Object.hasOwn(all, one)) ?? (numbers.length === 1 ? numbers[0]?.[0] : undefined)
  if (name === undefined) {
    throw badResults(
      file,
      `${where} has several metrics (${Object.keys(all).join(', ')}), and none is called ${meaning.join(', ')}.`,
      'Say which one decides: write the results as rows with case_id and score.',
    )
  }
  return [name, typeof all[name] === 'boolean' ? Number(all[name]) : amount(all[name])]
}
