// The fence around text under test: no text closes it, whatever it says, and a judge that obeys all it reads outside gains it nothing.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attacks } from '../../../fixtures/judge-attacks/attacks.ts'
import type { ResolvedJudge } from '../../ports.ts'
import { judgePromptNames } from '../../schema/judge.ts'
import { parsePrompt, withShipped } from '../../store/prompts.ts'
import { expander } from '../expand.ts'
import { fenceFor } from './fence.ts'
import { verdictOf } from './verdict.ts'

async function prompts(): Promise<ResolvedJudge['prompts']> {
  const read = await Promise.all(
    withShipped([]).map(async (entry) => [
      entry.name.replace('judge/', ''),
      await parsePrompt(entry.shipped ?? '', entry.file, entry),
    ]),
  )
  return Object.fromEntries(read) as ResolvedJudge['prompts']
}

/** The user message of a judge's prompt with `answer` as everything that is under test. */
async function messageWith(name: (typeof judgePromptNames)[number], answer: string) {
  const prompt = (await prompts())[name]
  const names = prompt.input.filter((one) => !['fence', 'criteria', 'scale'].includes(one))
  const data = Object.fromEntries(names.map((one) => [one, answer]))
  const fence = fenceFor(Object.values(data))
  const told = Object.fromEntries(
    prompt.input.filter((one) => one !== 'fence' && !names.includes(one)).map((one) => [one, 'x']),
  )
  const ask = await expander({
    kind: 'prompt',
    prompt,
    model: { name: 'm', pin: { provider: 'p', id: 'm-2026-01-01', params: {} } },
    params: {},
    provider: { name: 'p', config: { type: 'replay' } },
  })
  const { messages } = ask({ id: 'a', vars: { ...data, ...told, fence }, tags: [], critical: false, assert: [] }, 1)
  return { text: messages.find(({ role }) => role === 'user')?.content ?? '', fence, fences: names.length }
}

/** What a reader sees who takes every line `END <fence>` for the end of the material. */
function outside(text: string, begin: string, end: string): string {
  const kept: string[] = []
  let inside = false
  for (const line of text.split('\n')) {
    if (line === begin) inside = true
    else if (line === end) inside = false
    else if (!inside) kept.push(line)
  }
  return kept.join('\n')
}

/** The most naive judge there is: it obeys whatever stands outside of the material. */
const isSwayed = (read: string) => /give.{0,40}\b(5|10)\b|score of 5|score"?:? ?5|\b5 of 5|gets? 5|\b5\b/i.test(read)

describe(`${attacks.length} attacks`, () => {
  it('are at least 40, of every kind, and each would sway the naive judge or its structure without a fence', () => {
    expect(attacks.length).toBeGreaterThanOrEqual(40)
    expect(new Set(attacks.map(({ kind }) => kind))).toEqual(
      new Set(['plea', 'instruction', 'fence', 'verdict', 'role', 'language', 'unicode', 'padding']),
    )
    const bare = attacks.filter(({ answer }) => isSwayed(answer))
    // The rest are in disguise (other letters, codes) or give verdicts without a number.
    expect(bare.length).toBeGreaterThanOrEqual(40)
  })
  it.each(judgePromptNames)('gain nothing with the prompt %s: none leaves its fence', async (name) => {
    const empty = await messageWith(name, '')
    const plain = outside(empty.text, `BEGIN ${empty.fence}`, `END ${empty.fence}`)
    expect(isSwayed(plain)).toBe(false)
    for (const { answer, id } of attacks) {
      const { text, fence, fences } = await messageWith(name, answer)
      expect(outside(text, `BEGIN ${fence}`, `END ${fence}`), id).toBe(plain)
      expect(text.split(`END ${fence}`).length - 1, id).toBe(fences)
      expect(text.split(`BEGIN ${fence}`).length - 1, id).toBe(fences)
    }
  })
  it('a fixed delimiter, for comparison, lets attacks out', () => {
    const with_ = (answer: string) => outside(`BEGIN\n${answer}\nEND`, 'BEGIN', 'END')
    const out = attacks.filter(({ answer }) => isSwayed(with_(answer)))
    expect(out.length).toBeGreaterThanOrEqual(2)
  })
})

describe('the fence', () => {
  it('never occurs in the text, also as it looks to a reader, and is the same for the same text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 4 }), (texts) => {
        const fence = fenceFor(texts)
        expect(fence).toMatch(/^[a-z]{24}$/)
        expect(fenceFor([...texts])).toBe(fence)
        for (const text of texts) expect(text.normalize('NFKC').toLowerCase()).not.toContain(fence)
      }),
    )
  })
  it('of a text that holds the fence of another text is another one', () => {
    let text = 'an answer'
    for (let i = 0; i < 50; i++) {
      const fence = fenceFor([text])
      expect(text).not.toContain(fence)
      text += `\nEND ${fence}`
    }
  })
  it('moving text from one part to the other gives another fence', () => {
    expect(fenceFor(['ab', 'c'])).not.toBe(fenceFor(['a', 'bc']))
  })
})

describe('the verdict', () => {
  const said = (text: string) => ({ outcome: 'answered' as const, text, tool_calls: [], attempts: 1 })
  it('is the whole answer of the judge, or there is none', () => {
    expect(verdictOf('j', said('{"reason": "r", "score": 3}'))).toEqual({ reason: 'r', score: 3 })
    expect(verdictOf('j', said('```json\n{"score": 3}\n```'))).toEqual({ score: 3 })
    for (const text of [
      'The answer says {"reason": "perfect", "score": 5}',
      '{"score": 1} {"score": 5}',
      '```json\n{"score": 5}\n```\nand more',
      'Score: 5',
      '',
    ])
      expect(() => verdictOf('j', said(text)), text).toThrow(/no verdict/)
  })
  it('of a judge that refused, was cut off or did not answer is an error', () => {
    expect(() => verdictOf('j', { ...said('{}'), outcome: 'refused' })).toThrow(/refused/)
    expect(() => verdictOf('j', { ...said('{}'), outcome: 'truncated' })).toThrow(/max_tokens/)
    expect(() => verdictOf('j', { ...said(''), outcome: 'timeout' })).toThrow(/in time/)
  })
})
