// Plans, budgets and throttled providers as a user meets them: the built program against servers on loopback.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, reportIn, temporary } from '../cli-testing.ts'

const closing: (() => void)[] = []
afterAll(() => {
  for (const close of closing) close()
  removeTemporary()
})

/** A server that answers `fine` after `latency` milliseconds; `delay` may refuse for so many milliseconds instead. */
async function serve(latency: number, delay: (nth: number) => number = () => 0) {
  const asked: { at: number; question: string }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      const { messages } = JSON.parse(body) as { messages: { content: string }[] }
      asked.push({ at: Date.now(), question: messages[0]?.content ?? '' })
      const wait = delay(asked.length)
      const type = { 'content-type': 'application/json' }
      if (wait > 0) {
        response.writeHead(429, { ...type, 'retry-after-ms': String(wait) })
        return response.end('{"error": {"message": "slow down", "type": "requests"}}')
      }
      setTimeout(() => {
        response.writeHead(200, type)
        const choices = [{ message: { role: 'assistant', content: 'fine' }, finish_reason: 'stop' }]
        response.end(JSON.stringify({ model: 'm', choices, usage: { prompt_tokens: 90, completion_tokens: 10 } }))
      }, latency)
      return undefined
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked }
}

/** One suite of `cases` cases for each provider. */
function project(providers: Record<string, string>, cases: number, config = ''): string {
  const folder = temporary()
  for (const path of ['evals', 'prompts/ask']) mkdirSync(join(folder, path), { recursive: true })
  const names = Object.keys(providers)
  const lines = names.map((name) => `  ${name}: {type: openai, base_url: "${providers[name]}", concurrency: 4}\n`)
  const price = 'price: {input: 1000, output: 1000}'
  const models = names.map((name) => `  ${name}: {provider: ${name}, id: gpt-4o-2024-11-20, ${price}}\n`)
  const head = `version: 1\nproviders:\n${lines.join('')}models:\n${models.join('')}`
  writeFileSync(join(folder, 'aigate.yaml'), head + config)
  const prompt = '---\nname: ask\nversion: 1.0.0\ninput: [question]\n---\nuser:\n{{ question }}\n'
  writeFileSync(join(folder, 'prompts/ask/1.0.0.md'), prompt)
  for (const name of names) {
    const all = Array.from(
      { length: cases },
      (_, i) => `  - {id: c${i}, vars: {question: q${i}}, assert: [{contains: fine}]}\n`,
    )
    const suite = `suite: ${name}\nversion: 1.0.0\ntarget: {prompt: ask@1.0.0, model: ${name}}\ntrials: 1\n`
    writeFileSync(
      join(folder, `evals/${name}.suite.yaml`),
      `${suite}gate: {min_pass_rate: 0.1}\ncases:\n${all.join('')}`,
    )
  }
  return folder
}
const evalIn = (folder: string, ...flags: string[]) =>
  aigate(['eval', '--reporter', 'table,json:run.json', '--no-cache', ...flags], folder)
const planIn = async (folder: string, ...flags: string[]) => {
  const { code, stdout, stderr } = await aigate(['plan', '--json', ...flags], folder)
  return { code, stderr, plan: JSON.parse(stdout) }
}

describe('plan', () => {
  it('estimates before the first run, and knows afterwards', async () => {
    const { url, asked } = await serve(20)
    const folder = project({ one: url }, 20)
    const before = (await planIn(folder)).plan
    expect(before.total.least).toMatchObject({ calls: 20, duration_ms: null })
    expect(before.suites[0].evidence).toMatchObject({ measured: 0, estimated: 20, latency: null })
    expect(asked).toHaveLength(0)
    expect(await evalIn(folder)).toMatchObject({ code: 0 })
    const { code, plan } = await planIn(folder, '--max-cost', '3')
    expect(code).toBe(0)
    expect(plan.total.least).toMatchObject({ calls: 20, input_tokens: 1_800, output_tokens: 200 })
    expect(plan.total.least.cost_usd).toBeCloseTo(2)
    expect(plan.total.least.duration_ms).toBeGreaterThan(100)
    expect(asked).toHaveLength(20)
  })

  it('ends with 1 when the budget would be exceeded, and says by what', async () => {
    const folder = project({ one: 'http://127.0.0.1:40992/v1' }, 20, 'budget: {max_calls: 10}\n')
    const { code, plan } = await planIn(folder)
    expect({ code, outcome: plan.outcome }).toEqual({ code: 1, outcome: 'fail' })
    expect(plan.exceeded[0]).toContain('max_calls is 10, and 20 calls')
    const { code: other, stdout } = await aigate(['plan', '--max-calls', '20'], folder)
    expect(other).toBe(0)
    expect(stdout).toMatch(/within the budget: 20 calls/)
    expect(await aigate(['plan', '--max-calls', 'many'], folder)).toMatchObject({ code: 2 })
  })
})

describe('eval', () => {
  it.each([
    ['--max-calls', '8', 'max_calls', '20'],
    ['--max-cost', '0.85', 'max_cost_usd', '9'],
    ['--max-tokens', '850', 'max_tokens', '9000'],
  ])(
    'stops at %s %s with exit 4, keeps what was paid for, and goes on where it stopped',
    async (flag, value, name, more) => {
      const { url, asked } = await serve(5)
      const folder = project({ one: url }, 20)
      const { code, stderr, stdout } = await evalIn(folder, flag, value)
      expect(code).toBe(4)
      expect(stdout).toContain(name)
      expect(asked).toHaveLength(8)
      expect(stderr).toMatch(new RegExp(`${name}.*is spent[\\s\\S]*go on: aigate eval --resume \\S+ ${flag}`))
      const run = /--resume (\S+)/.exec(stderr)?.[1] ?? ''
      const journal = readFileSync(join(folder, '.aigate', 'runs', run, 'one.jsonl'), 'utf8')
      expect(journal.match(/"type":"answer"/g)).toHaveLength(8)
      const again = await evalIn(folder, '--resume', run, flag, more)
      expect(again.code).toBe(0)
      expect(asked).toHaveLength(20)
      expect(new Set(asked.map(({ question }) => question)).size).toBe(20)
    },
  )

  it.each([
    [
      '--max-calls',
      '8',
      /^budget: max_calls is 8, and 20 calls would be made: about 12 of 20 answers .* --max-calls 20 would do/m,
    ],
    [
      '--max-cost',
      '0.85',
      /^budget: max_cost_usd is \$0.85, and about \$\d+.* would be spent: about \d+ of 20 answers/m,
    ],
    ['--max-tokens', '850', /^budget: max_tokens is 850, and about \d+ tokens would be used: about \d+ of 20 answers/m],
  ])(
    'says before it asks that %s %s would not suffice, in one line, and asks nobody whether it may',
    async (flag, value, what) => {
      const { url, asked } = await serve(5)
      const folder = project({ one: url }, 20)
      const { code, stderr } = await evalIn(folder, flag, value)
      expect(code).toBe(4)
      expect(asked.length).toBeGreaterThan(0)
      expect(stderr).toMatch(what)
      expect(stderr.match(/^budget: /gm)).toHaveLength(1)
      expect(stderr.indexOf('budget: ')).toBeLessThan(stderr.indexOf('stopped: '))
      // From what was answered so far, the rest is foretold as it was.
      const open = 20 - asked.length
      const again = await evalIn(folder, '--resume', flag, value)
      if (flag === '--max-calls') expect(again.stderr).toContain(`and ${open} calls would be made`)
    },
  )

  it('says nothing of a budget that suffices, nor where nothing is asked', async () => {
    const { url } = await serve(5)
    const folder = project({ one: url }, 20)
    const enough = ['--max-calls', '20', '--max-tokens', '90000', '--reporter', 'table']
    expect((await aigate(['eval', ...enough], folder)).stderr).not.toContain('budget:')
    const cached = await aigate(['eval', '--max-calls', '1', '--reporter', 'table'], folder)
    expect(cached.code).toBe(0)
    expect(cached.stderr).not.toContain('budget:')
  })

  it('a limit that cannot be held is said: no price, no stop', async () => {
    const { url } = await serve(5)
    const folder = project({ one: url }, 3)
    const config = readFileSync(join(folder, 'aigate.yaml'), 'utf8')
    const unpriced = config.replace(/, price: \{[^}]*\}/, '').replace('gpt-4o-2024-11-20', 'own-2026-01-01')
    writeFileSync(join(folder, 'aigate.yaml'), unpriced)
    const { stderr } = await evalIn(folder, '--max-cost', '1')
    expect(stderr).toMatch(/^budget: The price of one is not known: max_cost_usd cannot be held/m)
  })

  it('stops when the time is up', async () => {
    const { url } = await serve(100)
    const folder = project({ one: url }, 60)
    const { code, stdout } = await evalIn(folder, '--max-duration', '600ms')
    expect(code).toBe(4)
    expect(stdout).toContain('0.6 s (max_duration)')
  })

  it('a throttled provider does not slow the suites of another, and the report keeps the order of the suites', async () => {
    const slow = await serve(0, (nth) => (nth % 3 === 1 ? 500 : 0))
    const quick = await serve(5)
    const folder = project({ a: slow.url, b: quick.url }, 12)
    const { code } = await evalIn(folder)
    expect(code).toBe(0)
    expect(reportIn(folder).suites.map(({ suite }) => suite)).toEqual(['a', 'b'])
    expect(slow.asked.at(-1)?.at ?? 0).toBeGreaterThan(quick.asked.at(-1)?.at ?? Infinity)
  })

  it('a provider that is down costs a handful of calls, in all of its suites together, and ends in 4', async () => {
    const folder = project({ one: 'http://127.0.0.1:40991/v1' }, 200)
    const copy = readFileSync(join(folder, 'evals/one.suite.yaml'), 'utf8').replace('suite: one', 'suite: two')
    writeFileSync(join(folder, 'evals/two.suite.yaml'), copy)
    const { code } = await evalIn(folder)
    expect(code).toBe(4)
    const { suites } = reportIn(folder)
    expect(suites.map(({ verdict }) => verdict.outcome)).toEqual(['invalid', 'invalid'])
    expect(suites.reduce((sum, { totals }) => sum + totals.calls, 0)).toBeLessThan(20)
  })
})
