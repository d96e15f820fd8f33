// docs/shadow.md and docs/rollouts.md: commands print what the page says, and plans are sound.
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { checkPlan } from '../../decide/rollout/check-plan.ts'
import { main } from '../../main.ts'
import { HealthConfig } from '../../schema/health.ts'
import { RolloutPlan } from '../../schema/rollout.ts'
import { removeTemporary, root, temporary } from '../cli-testing.ts'

afterAll(removeTemporary)

/** Runs a command line in this process, in a folder. */
async function run(line: string, folder: string): Promise<{ code: number; out: string }> {
  let out = ''
  const stream = { write: (text: string) => (out += text) }
  const world = {
    argv: ['node', 'aigate', ...line.split(' ')],
    env: { NO_COLOR: '1' },
    cwd: () => folder,
    stdout: { ...stream, columns: 100 },
    stderr: stream,
    on: () => world,
    removeListener: () => world,
    exit: () => undefined,
    exitCode: undefined,
    versions: process.versions,
  }
  const code = await main(world as never)
  return { code, out }
}

it('the commands of the page print what it shows', async () => {
  const page = readFileSync(join(root, 'docs/shadow.md'), 'utf8')
  const shown = [...page.matchAll(/```console\n\$ aigate ([^\n]+)\n([\s\S]*?)```\n\nExit code (\d)/g)]
  expect(shown).toHaveLength(3)
  const folder = temporary()
  cpSync(join(root, 'fixtures/shadow'), folder, { recursive: true })
  for (const [, line = '', text, code] of shown) {
    const { out, code: ended } = await run(line.replace(/\s+#.*$/, ''), folder)
    expect(out).toBe(text)
    expect(ended).toBe(Number(code))
  }
  const plan = /```yaml\n# rollouts\/support\.shadow\.yaml\n([\s\S]*?)```/.exec(page)?.[1]
  expect(plan).toBe(readFileSync(join(folder, 'rollouts/support.shadow.yaml'), 'utf8'))
})

it('the plans of docs/rollouts.md are sound', () => {
  const page = readFileSync(join(root, 'docs/rollouts.md'), 'utf8')
  const plans = [...page.matchAll(/```yaml\n# rollouts\/\S+\n([\s\S]*?)```/g)].map(([, text = '']) => text)
  expect(plans).toHaveLength(2)
  for (const text of plans) expect(checkPlan(RolloutPlan.parse(parse(text)))).toEqual([])
  const health = /# aigate\.yaml\nhealth:([\s\S]*?)```/.exec(page)?.[1] ?? ''
  expect(HealthConfig.parse((parse(`health:${health}`) as { health: unknown }).health).max_latency).toBe(5000)
})
