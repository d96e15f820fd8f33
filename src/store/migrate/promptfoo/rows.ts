// Rows of promptfoo's CSV: columns that begin with two underscores are assertions and options, all others variables.
import { commaTexts } from './assertions.ts'
import { type Data, isMap, type Job, left, type Part } from '../parts.ts'

const listed = /^(i?contains)-(all|any)$/
const withThreshold = new Set([
  'cost',
  'latency',
  'levenshtein',
  'rouge-n',
  'rouge-l',
  'similar',
  'starts-with',
  'bleu',
])

/** The test of a row, in the form of a test in YAML. */
export function rowTest(job: Job, row: Part): Part {
  const vars: Data = {}
  const test: Data = { vars }
  const assert: [number, Data][] = []
  const options: Data = {}
  const metadata: Data = {}
  const thresholds = new Map<number, number>()
  let metric: string | undefined
  for (const [key, written] of Object.entries(isMap(row.value) ? row.value : {})) {
    const field = String(written)
    const [, number] = /^__expected(\d*)$/.exec(key) ?? []
    const [, configured, setting] = /^__config:__expected(\d*):(\w+)$/.exec(key) ?? []
    if (number !== undefined) {
      if (field.trim() !== '') assert.push([Number(number || '1'), assertionFromText(field.trim())])
    } else if (setting === 'threshold') {
      if (field.trim() !== '') thresholds.set(Number(configured || '1'), Number(field))
    } else if (key === '__prefix' || key === '__suffix') options[key.slice(2)] = field
    else if (key === '__description') test.description = field === '' ? undefined : field
    else if (key === '__metric') metric = field === '' ? undefined : field
    else if (key === '__threshold') test.threshold = field.trim() === '' ? undefined : Number(field)
    else if (key.startsWith('__metadata:')) {
      if (field.trim() !== '') metadata[key.slice('__metadata:'.length)] = field
    } else if (key.startsWith('__')) left(job, row, 'a column that aigate does not know', key)
    else vars[key] = field
  }
  const asserted = assert.map(([number, one]) => ({
    ...one,
    ...(metric === undefined ? {} : { metric }),
    ...(thresholds.has(number) ? { threshold: thresholds.get(number) } : {}),
  }))
  return {
    ...row,
    value: { ...test, assert: asserted, options, ...(Object.keys(metadata).length > 0 ? { metadata } : {}) },
  }
}

/** An assertion in one text, such as `contains-any:a,b`, `not-icontains: x` or `similar(0.8): x`; else the answer itself. */
export function assertionFromText(text: string): Data {
  const [, head = ''] = /^(javascript|fn|eval|python|grade|llm-rubric):/.exec(text) ?? []
  const rest = text.slice(head.length + 1).trim()
  if (['javascript', 'fn', 'eval'].includes(head)) return { type: 'javascript', value: rest }
  if (head === 'python') return { type: 'python', value: rest }
  if (head !== '') return { type: 'llm-rubric', value: rest }
  if (/^file:\/\/.*\.(?:py|[cm]?[jt]s)(?::\w+)?$/.test(text))
    return { type: /\.py/.test(text) ? 'python' : 'javascript', value: text }
  const [, not = '', type = '', threshold, value] =
    /^(not-)?([a-z]+(?:-[a-z0-9]+)*)(?:\((\d+(?:\.\d+)?)\))?(?::([\s\S]*))?$/.exec(text) ?? []
  if (!isType(type)) return { type: 'equals', value: text }
  const plain = value?.trim()
  const split = listed.test(type) && plain !== undefined ? commaTexts(plain) : plain
  const limit = threshold === undefined ? (withThreshold.has(type) ? 0.75 : undefined) : Number(threshold)
  return {
    type: `${not}${type}`,
    ...(split === undefined ? {} : { value: split }),
    ...(limit === undefined ? {} : { threshold: limit }),
  }
}

/** Types that may stand before a colon; any other word is the answer. */
const types = new Set([
  'contains', 'icontains', 'contains-all', 'icontains-all', 'contains-any', 'icontains-any', 'equals', 'starts-with', 'regex',
  'is-json', 'contains-json', 'is-refusal', 'latency', 'cost', 'levenshtein', 'rouge-n', 'bleu', 'similar', 'factuality',
  'model-graded-closedqa', 'model-graded-factuality', 'answer-relevance', 'context-faithfulness', 'context-recall',
  'context-relevance', 'classifier', 'moderation', 'webhook', 'perplexity', 'perplexity-score', 'word-count', 'is-sql',
  'is-xml', 'is-html', 'contains-sql', 'contains-xml', 'contains-html', 'g-eval', 'finish-reason', 'guardrails', 'ruby',
  'is-valid-function-call', 'is-valid-openai-function-call', 'is-valid-openai-tools-call', 'select-best', 'pi', 'meteor',
  'search-rubric', 'conversation-relevance', 'tool-call-f1', 'max-score', 'gleu',
]) // biome-ignore format: one list
const isType = (type: string) => types.has(type)
