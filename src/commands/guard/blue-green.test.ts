// A blue-green rollout from start to the way back: a real flag file, a real application, real runs, logs and checks.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sayCommand, startCommand, statusCommand, tickCommand, verdictCommand } from '../rollout/canary.ts'
import { planCommand } from '../rollout/canary-plan.ts'
import { type Bench, bench, flagText, MINUTE, planPath, projectFolder } from '../rollout/canary-testing.ts'
import { removeTemporary } from '../cli-testing.ts'

let server: Server
let url = ''
let broken = false
const asked: string[] = []
beforeAll(async () => {
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      asked.push(text)
      const body = JSON.stringify({ text: broken ? '' : 'Refunds take 5 days.' })
      response.writeHead(broken ? 500 : 200, { 'content-type': 'application/json' }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/green`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  removeTemporary()
})

const plan = `rollout: support-1.3
strategy: blue-green
release: {prompt: support/answer@1.3.0}
baseline: {prompt: support/answer@1.2.0}
pre_check: {shadow: support-1.3, health: [green]}
warm_up: {suite: green, requests: 7}
keep_old: 24h
control: {type: flagd, path: deploy/flags.json, lease: 15m, settle: 5s}
source: {type: jsonl, path: "logs/*.jsonl", freshness: 10m, lateness: 1s}
stages:
  - {traffic: 0%}
  - {traffic: 100%, bake: 5m, success: [error_rate < 20%]}
metrics:
  error_rate: {bad: "error.type != null"}
triggers:
  - {id: outage, metric: error_rate, above: 50%, window: 5m, do: [rollback, notify]}
`
const shadow = `shadow: support-1.3
pairs: {path: "shadow.jsonl"}
min_pairs: 100
criteria: {similarity: {max_share: 20%}}
`
const pairs = (similarity: number) =>
  `${JSON.stringify({ 'event.name': 'aigate.shadow.pair', 'aigate.similarity': similarity })}\n`.repeat(200)

async function ready(change: (text: string) => string = (text) => text): Promise<Bench> {
  const suite = `suite: green\nversion: 1.0.0\ntarget: {http: {url: "${url}", body: {q: "{{ question }}"}, answer: $.text}}\ncases:\n  - {id: refund, tags: [smoke], vars: {question: How long?}, assert: [{contains: days}]}\n  - {id: other, vars: {question: Why?}, assert: [{contains: days}]}\n`
  const folder = projectFolder({
    [planPath]: change(plan),
    'rollouts/support.shadow.yaml': shadow,
    'evals/green.suite.yaml': suite,
    'shadow.jsonl': pairs(0.95),
  })
  mkdirSync(join(folder, 'logs'), { recursive: true })
  broken = false
  asked.length = 0
  const made = await bench(folder)
  await startCommand(made.context, undefined, {})
  made.out.length = made.err.length = 0
  return made
}

/** `minutes` of traffic of one arm, and then one look. */
async function minutesOf(made: Bench, minutes: number, arm: 'baseline' | 'candidate', rate = 0) {
  const { folder, clock, context } = made
  for (let i = 0; i < minutes; i += 1) {
    const lines = Array.from({ length: 40 }, (_, n) =>
      JSON.stringify({
        ts: new Date(clock.now + 1000 + n * 1000).toISOString(),
        trace_id: `${clock.now}-${n}`,
        'gen_ai.operation.name': 'chat',
        'error.type': n < rate * 40 ? 'timeout' : null,
        'feature_flag.context.id': `u-${clock.now}-${n}`,
        'aigate.arm': arm,
      }),
    )
    appendFileSync(join(folder, 'logs/app.jsonl'), `${lines.join('\n')}\n`)
    clock.now += MINUTE
  }
  made.out.length = 0
  return tickCommand(context, [], {})
}
const share = ({ folder }: Bench) => {
  const found = /"candidate",\s*(\d+)/.exec(flagText(folder))
  return found ? Number(found[1]) : 0
}

it('checks, warms up, switches in one step, finishes, and goes back at once while the old one is kept', async () => {
  const made = await ready()
  expect(share(made)).toBe(0)
  expect(asked).toEqual([])
  expect(await minutesOf(made, 2, 'baseline')).toBe('pass')
  // One question of health, seven to warm up: the two cases over and over.
  expect(asked).toHaveLength(8)
  expect(asked.filter((one) => one.includes('Why?'))).toHaveLength(3)
  expect(share(made)).toBe(1_000_000)
  expect(await minutesOf(made, 4, 'candidate')).toBe('pass')
  expect(await minutesOf(made, 6, 'candidate')).toBe('pass')
  expect(asked).toHaveLength(8)
  made.out.length = 0
  await statusCommand(made.context, undefined, {})
  expect(made.out.join('')).toMatch(/succeeded/)
  expect(made.out.join('').replace(/\s+/g, ' ')).toContain('the old one is kept until')
  made.clock.now += 60 * MINUTE
  expect(await sayCommand(made.context, 'abort', undefined, { reason: 'a complaint' })).toBe('pass')
  expect(share(made)).toBe(0)
  made.clock.now += 25 * 60 * MINUTE
  await expect(sayCommand(made.context, 'abort', undefined, {})).rejects.toThrow(/nothing to abort/)
})

it('a green one that does not answer is never switched to, and is asked again only after five minutes', async () => {
  const made = await ready()
  broken = true
  expect(await minutesOf(made, 2, 'baseline')).toBe('pass')
  const before = asked.length
  expect(made.out.join('')).toContain('health is fail')
  expect(share(made)).toBe(0)
  await minutesOf(made, 1, 'baseline')
  expect(asked).toHaveLength(before)
  broken = false
  await minutesOf(made, 5, 'baseline')
  expect(share(made)).toBe(1_000_000)
})

it('a shadow that fails holds the switch; once it passes the switch is made', async () => {
  const made = await ready()
  writeFileSync(join(made.folder, 'shadow.jsonl'), pairs(0.2))
  await minutesOf(made, 2, 'baseline')
  expect(made.out.join('')).toContain('shadow is fail: similarity: 100 % of 200 pairs')
  expect(share(made)).toBe(0)
  writeFileSync(join(made.folder, 'shadow.jsonl'), pairs(0.9))
  await minutesOf(made, 1, 'baseline')
  expect(share(made)).toBe(1_000_000)
})

it('a gate without a run of this release holds the switch', async () => {
  const made = await ready((text) => text.replace('{shadow: support-1.3, health: [green]}', '{gate: [green]}'))
  await minutesOf(made, 2, 'baseline')
  expect(made.out.join('')).toContain('gate is invalid: suite green: no run of this suite is stored')
  expect(share(made)).toBe(0)
})

it('an outage after the switch takes everybody back in one look', async () => {
  const made = await ready()
  await minutesOf(made, 2, 'baseline')
  expect(share(made)).toBe(1_000_000)
  expect(await minutesOf(made, 2, 'candidate', 0.9)).toBe('fail')
  expect(share(made)).toBe(0)
  expect(await verdictCommand(made.context, undefined, {})).toBe('fail')
})

it('there is no comparison to plan', async () => {
  const made = await ready()
  await expect(planCommand(made.context, undefined, { since: 1 })).rejects.toThrow(/blue-green: no two arms/)
})

it('rolling reads how far the orchestrator is, sets nothing, and says its verdict', async () => {
  const read = [process.execPath, '-e', 'console.log(30)']
  const set = [process.execPath, '-e', 'require("fs").writeFileSync("was-set", "")']
  const made = await ready((text) =>
    text
      .replace('blue-green', 'rolling')
      .replace(/^pre_check.*\nwarm_up.*\nkeep_old.*\n/m, '')
      .replace(/^release.*\nbaseline.*$/m, 'release: {code: abc2}\nbaseline: {code: abc1}')
      .replace(
        /^control: .*$/m,
        `control: {type: command, set: ${JSON.stringify(set)}, read: ${JSON.stringify(read)}, settle: 5s}`,
      )
      .replace('  - {traffic: 0%}\n', ''),
  )
  expect(await minutesOf(made, 2, 'candidate')).toBe('pass')
  expect(made.err.join('')).toContain(
    'the orchestrator moves the traffic, and aigate only says its verdict; it serves the new one to 30 %',
  )
  expect(await minutesOf(made, 6, 'candidate', 0.9)).toBe('fail')
  expect(made.err.join('')).toContain('the orchestrator must undo it')
  const { existsSync } = await import('node:fs')
  expect(existsSync(join(made.folder, 'was-set'))).toBe(false)
})
