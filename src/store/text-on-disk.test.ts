// A completion whose texts lie in a record is the same to whoever reads, copies or writes it, and says so when the record is gone.
import { mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import type { Conversation } from '../schema/conversation.ts'
import type { Completion } from '../schema/run.ts'
import { jsonLine } from './json-lines.ts'
import { lineWriter } from './run-journal.ts'
import { lineSource, withTextOnDisk } from './text-on-disk.ts'

const root = mkdtempSync(join(tmpdir(), 'aigate-texts-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let files = 0
const newFile = () => join(root, `${(files += 1)}.jsonl`)

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: 'binary', minLength: 190, maxLength: 230 }),
  fc.string({ unit: 'grapheme', minLength: 300, maxLength: 900 }),
  fc.constant('\ud800 lone \u2028 '.repeat(30)),
)
const call = fc.record({ name: text, arguments: text })
const conversation: fc.Arbitrary<Conversation> = fc.record({
  steps: fc.array(
    fc.record(
      {
        role: fc.constantFrom('user', 'assistant', 'tool'),
        turn: fc.constant(1),
        content: text,
        tool_calls: fc.array(call, { maxLength: 2 }),
      },
      { requiredKeys: ['role', 'turn', 'content'] },
    ),
    { maxLength: 4 },
  ),
  calls: fc.nat(3),
  ended: fc.constant('answered' as const),
})
const completion: fc.Arbitrary<Completion> = fc.record(
  {
    outcome: fc.constantFrom('answered', 'refused', 'error'),
    text,
    tool_calls: fc.array(call, { maxLength: 2 }),
    latency_ms: fc.nat(),
    attempts: fc.nat(3),
    usage: fc.record({ input_tokens: fc.nat(), output_tokens: fc.nat() }),
    cost_usd: fc.double({ min: 0, max: 1, noNaN: true }).map((cost) => cost + 0),
    finish_reason: text,
    response_model: text,
    request_id: text,
    replayed: fc.boolean(),
    conversation,
    contexts: fc.array(fc.record({ id: text, text }), { maxLength: 3 }),
    state: fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.parse(JSON.stringify(value)) as never),
  },
  { requiredKeys: ['outcome', 'text', 'tool_calls', 'attempts'] },
)

it('reads, copies and writes like the completion itself, byte for byte, before and after it is on the disk', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(completion, fc.boolean()), { minLength: 1, maxLength: 6 }), async (all) => {
      const file = newFile()
      const lines = lineWriter(openSync(file, 'ax'), file, 0)
      lines.write({ head: 'é' })
      const source = lineSource(file, (until) => lines.flush(until))
      const kept = all.map(([one, later], nth) => {
        const id = `case ${nth}`
        const place = lines.write({ type: 'answer', case: id, trial: 1, purpose: 'pass', completion: one }, later)
        return withTextOnDisk(one, { source, ...place, id })
      })
      const same = () => {
        for (const [nth, found] of kept.entries()) {
          const wanted = all[nth]![0]
          expect(jsonLine(found)).toBe(jsonLine(wanted))
          expect({ ...found }).toEqual(wanted)
          expect(structuredClone(found)).toEqual(structuredClone(wanted))
        }
      }
      same()
      await lines.close()
      same()
      // The file is opened again for whoever comes later.
      await new Promise((go) => setTimeout(go))
      same()
    }),
    { numRuns: 60 },
  )
})

it('says in a sentence that the record was removed, or that another one lies there', async () => {
  const file = newFile()
  const long = 'x'.repeat(500)
  const line = (id: string) => jsonLine({ type: 'answer', case: id, completion: { text: `${long}${id}` } })
  writeFileSync(file, `${line('a')}\n${line('b')}\n`)
  const place = { offset: Buffer.byteLength(line('a')) + 1, length: Buffer.byteLength(line('b')) }
  const answer: Completion = { outcome: 'answered', text: `${long}b`, tool_calls: [], attempts: 1 }
  const kept = withTextOnDisk(answer, { source: lineSource(file), ...place, id: 'b' })
  expect(kept.text).toBe(`${long}b`)
  await new Promise((go) => setTimeout(go))
  writeFileSync(file, `${line('b')}\n${line('a')}\n`)
  expect(() => kept.text).toThrow(/changed while it was in use/)
  await new Promise((go) => setTimeout(go))
  renameSync(file, `${file}.away`)
  expect(() => kept.text).toThrow(/it does not exist/)
})
