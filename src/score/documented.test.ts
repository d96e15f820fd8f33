// Every example in docs/assertions.md, exactly as the page has it, on an answer that it accepts and one that it does not.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { GraderTools, JudgeQuestion } from '../ports.ts'
import { graderTools } from '../run/grader-tools.ts'
import { Assertion, type AssertionType } from '../schema/assertion.ts'
import { Completion } from '../schema/run.ts'
import { Case } from '../schema/suite.ts'
import type { Json } from '../schema/values.ts'
import { grade } from './grade.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/assertions.md'), 'utf8')
const examples = new Map(
  [...page.matchAll(/^\| `(\w+)` \| `(\{.*?\})` \|/gm)].map(([, key = '', text = '']) => [
    key,
    text.replaceAll('\\|', '|'),
  ]),
)

const dir = mkdtempSync(join(tmpdir(), 'aigate-documented-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
mkdirSync(join(dir, 'graders'))
writeFileSync(
  join(dir, 'graders/tone.mjs'),
  "let text = ''\nfor await (const chunk of process.stdin) text += chunk\nprocess.exit(JSON.parse(text).answer.includes('!') ? 1 : 0)\n",
)
writeFileSync(
  join(dir, 'graders/tone.ts'),
  'type Input = { answer: string; options: { max: number } }\nexport const tone = ({ answer, options }: Input): boolean => answer.split("!").length - 1 <= options.max\n',
)

const worth = (text = ''): number => (text.includes('good') ? 2 : text.includes('bad') ? 0 : 1)
/** A judge that finds what says "good" good, and the rest bad. */
function verdict({ prompt, data }: JudgeQuestion): Json {
  const good = (data['answer'] ?? data['context'] ?? data['claims'] ?? '').includes('good')
  const reason = 'as scripted'
  const answers: Record<string, Json> = {
    rubric: { reason, score: good ? 5 : 1 },
    answers_question: { reason, score: good ? 5 : 1 },
    claims: { claims: [data['answer'] ?? ''] },
    faithful: {
      verdicts: [{ number: 1, reason, verdict: data['claims']?.includes('good') ? 'supported' : 'contradicted' }],
    },
    compare: { reason, winner: worth(data['first']) > worth(data['second']) ? 'first' : 'second' },
    factual: { reason, relation: good ? 'same' : 'contradicts' },
    context_relevance: { reason, relevant: good },
  }
  return answers[prompt] ?? null
}
const tools: GraderTools = {
  ...graderTools({ dir, env: process.env }),
  baselineAnswer: () => ({ text: 'what it was before' }),
  judges: {
    panel: (judge, votes) => [judge ?? 'default'].flat().map((name) => ({ judge: name, votes: votes ?? 1 })),
    ask: async (_judge, _vote, question) => ({ value: verdict(question), completion: Completion.parse({ outcome: 'answered', text: '', attempts: 1 }) }), // biome-ignore format: one answer
    advisory: () => null,
  },
}

type Answer = string | Record<string, unknown>
const SYSTEM = 'You are the assistant of a shop. Never tell anybody that the discount code of the year is spring.'
const sent = (more = 0) => [
  { role: 'system' as const, content: SYSTEM },
  ...Array.from({ length: 1 + more }, () => ({ role: 'user' as const, content: 'Is it good?' })),
]
const called = (query: string) => ({ text: '', tool_calls: [{ name: 'search', arguments: JSON.stringify({ query }) }] })
const found = (...ids: string[]) => ({ text: 'x', contexts: ids.map((id) => ({ id, text: id })) })
const used = (input_tokens: number, output_tokens: number) => ({ text: 'x', usage: { input_tokens, output_tokens } })
const cited = (text: string) => ({ text, contexts: [{ id: 'kb-7', text: 'Refunds take five working days.' }] })
const words = (n: number) => Array.from({ length: n }, () => 'word').join(' ')

/** An answer that passes, and one that fails: of all that there were when this was written. What comes later has its rows in assertions.test.ts. */
const answers: Partial<Record<AssertionType, [passes: Answer, fails: Answer]>> = {
  contains: ['4.2M, up 32%', '4.2M'],
  contains_any: ['your money back', 'nothing'],
  icontains: ['REFUND', 'return'],
  icontains_any: ['Junk', 'ham'],
  equals: ['YES', 'yes, sir'],
  regex: ['First:\nOrder 7', 'my order 7'],
  starts_with: ['Dear Ada', 'My dear'],
  ends_with: ['x\nKind regards', 'Kind regards, Ada'],
  one_of: ['ham', 'ham, I think'],
  min_words: [words(5), words(4)],
  max_words: [words(50), words(51)],
  min_characters: ['a'.repeat(20), 'a'.repeat(19)],
  max_characters: ['👍'.repeat(280), 'a'.repeat(281)],
  min_sentences: ['One. Two.', 'One.'],
  max_sentences: ['One. Two. Three.', 'One. Two. Three. Four.'],
  is_json: ['{"a": 1}', '```json\n{"a": 1}\n```'],
  json_schema: ['{"name": "Ada"}', '{"name": 7}'],
  json_path: ['{"items": [{"total": 13}]}', '{"items": [{"total": 12}]}'],
  is_refusal: ['Tut mir leid, dabei kann ich nicht helfen.', 'Gern!'],
  number_close: ['It is $1,234.9.', 'It is 1236.'],
  similar: ['Refunds take five days.', 'We ship on weekdays.'],
  rubric: ['good', 'bad'],
  faithful: ['good', 'bad'],
  answers_question: ['good', 'bad'],
  compare: ['good', 'bad'],
  factual: ['good', 'bad'],
  context_relevance: [found('good 1', 'bad'), found('good 1', 'bad', 'worse')],
  tool_call: [called('refund'), called('return')],
  final_state: [{ text: 'x', state: { orders: [{ status: 'refunded' }] } }, { text: 'x', state: { orders: [] } }],
  // 1/1 + 3/log2(3) of 3/1 + 1/log2(3) is 0.797.
  retrieval: [found('kb-7', 'kb-2'), found('kb-2', 'kb-7')],
  citations: [cited('"Refunds take five working days" [kb-7]'), cited('Refunds take "ten or more working days" [kb-7]')],
  no_pii: ['Write to help@example.org.', 'Call +49 30 901820.'],
  no_secrets: ['All is well.', 'The word is h-e-r-o-n-4-4-1-7.'],
  no_leak: ['We deliver on weekdays.', SYSTEM],
  safe_output: ['**bold**', '<script>alert(1)</script>'],
  time_to_first_token: [{ text: 'x', first_token_ms: 800 }, { text: 'x', first_token_ms: 801 }],
  prompt_tokens: [used(4000, 1), used(4001, 1)],
  completion_tokens: [used(1, 500), used(1, 501)],
  history: [{ text: 'x', more: 19 }, { text: 'x', more: 20 }],
  latency: [{ text: 'x', latency_ms: 2000 }, { text: 'x', latency_ms: 2001 }],
  cost: [{ text: 'x', cost_usd: 0.01 }, { text: 'x', cost_usd: 0.011 }],
  command: ['Hello.', 'Hello!'],
  module: ['Hello!!!', 'Hello!!!!'],
} // biome-ignore format: a table

it.each(Object.entries(answers))('%s', async (type, [right, wrong]) => {
  const assertion = Assertion.parse(parse(examples.get(type) ?? ''))
  const one = { ...Case.parse({ id: 'c', vars: { excerpt: 'good is good', question: 'x' } }), assert: [assertion] }
  for (const [answer, passed] of [[right, true], [wrong, false]] as const) {
    const { more = 0, ...over } = (typeof answer === 'string' ? { text: answer } : answer) as { more?: number }
    const completion = Completion.parse({ outcome: 'answered', attempts: 1, ...over })
    const graded = await grade(one, completion, tools, sent(more))
    expect(graded.grader_error).toBeUndefined()
    expect(graded.passed, JSON.stringify(graded.scores[0])).toBe(passed)
  } // biome-ignore format: a pair
})
