// promptfoo: `eval --output results.json` (formats 1 to 3) and results.jsonl, one row an answer.
import type { Score } from '../../schema/run.ts'
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
  list,
  type ReadOptions,
  shown,
  slug,
  text,
} from './foreign.ts'

/** Of ResultFailureReason: no assertion failed, but there was no answer to grade. */
const ERROR = 2

const isRow = (value: unknown): value is Data =>
  isData(value) && isData(value.provider ?? {}) && isData(value.prompt) && typeof value.success === 'boolean'

/** results.results.results since 0.28; results.results before; results alone when only the summary was saved. */
function rowsOf(content: Content): unknown[] | undefined {
  if (content.kind === 'lines') return content.values.map(({ value }) => value)
  if (content.kind !== 'json') return undefined
  if (isRow(content.value)) return [content.value]
  const outer = data(content.value).results
  return Array.isArray(outer) ? outer : isData(outer) && Array.isArray(outer.results) ? outer.results : undefined
}

export const promptfoo: FormatReader = {
  what: 'promptfoo results.json and results.jsonl',
  matches(content) {
    const rows = rowsOf(content)
    if (rows === undefined) return false
    if (rows.length > 0) return rows.every(isRow)
    return (
      content.kind === 'json' && isData(data(content.value).results) && 'stats' in data(data(content.value).results)
    )
  },
  read(content, options) {
    const rows = (rowsOf(content) ?? []).filter(isRow)
    const { chosen, label, target } = choose(rows, options)
    const whole = content.kind === 'json' ? data(content.value) : {}
    const version = text(data(whole.metadata).promptfooVersion)
    return {
      label,
      target,
      tool: version === undefined ? 'promptfoo' : `promptfoo ${version}`,
      started_at: isoDate(data(whole.results).timestamp),
      trials: chosen.map(trialOf),
      notes: [],
    }
  },
}

type Arm = { provider: string; prompt: string; names: string[]; label: string; rows: Data[] }

/** One provider with one prompt is one target: several of them in one run would be compared as one. */
function choose(rows: readonly Data[], { file, pick }: ReadOptions) {
  const arms = armsOf(rows)
  const listed = arms.map(({ label }) => `"${label}"`).join(', ')
  const exact = arms.filter((arm) => pick !== undefined && [arm.label, ...arm.names].includes(pick))
  const found = pick === undefined ? arms : exact.length > 0 ? exact : arms.filter(({ label }) => label.includes(pick))
  const [arm] = found
  const mend = `Write which one behind the file, for example '${file}#${arms[0]?.provider ?? ''}'. There are: ${listed}.`
  if (arm === undefined && pick !== undefined) {
    throw badResults(file, `No provider or prompt in this file is called "${pick}".`, mend)
  }
  if (found.length > 1) {
    const problem =
      pick === undefined ? `This file holds ${found.length} targets` : `"${pick}" means ${found.length} targets`
    throw badResults(file, `${problem}, each a provider with a prompt; one can be judged at a time.`, mend)
  }
  return {
    chosen: arm?.rows ?? [],
    label: arm ? arm.label : 'promptfoo',
    target: arm ? [arm.provider, arm.prompt] : [],
  }
}

function armsOf(rows: readonly Data[]): Arm[] {
  const found = new Map<string, Arm>()
  for (const row of rows) {
    const [from, asked] = [data(row.provider), data(row.prompt)]
    const provider = text(from.label) ?? text(from.id) ?? 'unknown provider'
    // `raw` is rendered with the variables of the case: the label is the template.
    const prompt = text(asked.label) ?? text(asked.display) ?? 'prompt'
    const key = canonicalJson([from.id, from.label, prompt, row.promptIdx])
    const shownPrompt = Array.from(prompt.replace(/\s+/g, ' ')).slice(0, 60).join('')
    const arm = found.get(key) ?? {
      provider,
      prompt,
      names: [provider, text(from.id) ?? provider, prompt],
      label: `${provider} | ${shownPrompt}`,
      rows: [],
    }
    arm.rows.push(row)
    found.set(key, arm)
  }
  const arms = [...found.values()]
  const twice = (label: string) => arms.filter((arm) => arm.label === label).length > 1
  return arms.map((arm) =>
    twice(arm.label) ? { ...arm, label: `${arm.label} (prompt ${Number(arm.rows[0]?.promptIdx) + 1})` } : arm,
  )
}

/** The prompt is what is tested, not what is asked: it is no part of the case. */
function trialOf(row: Data): ForeignTrial {
  const test = data(row.testCase)
  const vars = withoutRuntime(data(isData(test.vars) ? test.vars : row.vars))
  const description = text(test.description) ?? text(row.description)
  const asked = sha256(canonicalJson([description ?? null, vars])).slice(0, 8)
  const name = description ?? shown(Object.values(vars)[0])
  const metadata = data(test.metadata)
  const response = data(row.response)
  const usage = data(response.tokenUsage ?? row.tokenUsage)
  return {
    id: `${slug(name)}-${asked}`,
    content: { description: description ?? null, vars, assert: list(test.assert), threshold: test.threshold ?? null },
    category: text(metadata.category),
    answer: response.output === undefined ? undefined : shown(response.output),
    latency_ms: amount(row.latencyMs),
    cost_usd: amount(row.cost) === 0 && amount(response.cost) === undefined ? undefined : amount(row.cost),
    ...(Number.isSafeInteger(usage.prompt) &&
      Number.isSafeInteger(usage.completion) && {
        usage: { input_tokens: Number(usage.prompt), output_tokens: Number(usage.completion) },
      }),
    ...(response.cached === true && { replayed: true }),
    ...gradeOf(row),
  }
}

/** promptfoo adds these while it runs: they differ from repeat to repeat. */
const withoutRuntime = (vars: Data): Data =>
  Object.fromEntries(Object.entries(vars).filter(([name]) => name !== '_conversation' && name !== 'sessionId'))

type Graded = Pick<ForeignTrial, 'passed' | 'score' | 'scores' | 'error' | 'timeout' | 'ungraded'>

function gradeOf(row: Data): Graded {
  const grading = data(row.gradingResult)
  const parts = list(grading.componentResults).filter(isData)
  const message = shown(row.error) || shown(data(row.response).error) || 'no answer'
  const unanswered =
    row.failureReason === ERROR ||
    (row.failureReason === undefined &&
      !row.success &&
      parts.length === 0 &&
      text(row.error) !== undefined &&
      !isData(row.gradingResult))
  if (unanswered) {
    const nothing = { passed: null, score: null }
    if (/\btimed? ?out\b/i.test(message)) return { ...nothing, timeout: true }
    return { ...nothing, error: { kind: /\b429\b|rate limit/i.test(message) ? 'rate_limit' : 'server_error', message } }
  }
  const broken = row.success === true ? undefined : parts.find((part) => data(part.metadata).graderError === true)
  if (broken) return { passed: null, score: null, ungraded: shown(broken.reason) || 'the grader failed' }
  const score = amount(row.score)
  return {
    passed: row.success === true,
    score: score === undefined ? null : Math.min(1, score),
    scores: parts.map(scoreOf),
  }
}

function scoreOf(part: Data): Score {
  const { type, metric, weight } = data(part.assertion)
  return {
    assertion: text(metric) ?? text(type) ?? 'assertion',
    passed: part.pass === true,
    score: Math.min(1, amount(part.score) ?? (part.pass === true ? 1 : 0)),
    weight: amount(weight) ?? 1,
    reason: shown(part.reason),
    deterministic: false,
  }
}
