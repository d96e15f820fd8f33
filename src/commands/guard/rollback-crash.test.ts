// A rollback that is killed with kill -9 at every point where it touches the world: the next call finishes it.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { verifyLedger } from '../../store/ledger-verify.ts'
import { removeTemporary } from '../cli-testing.ts'
import { place, type Place, program, rollback, rollbackProcess } from './rollback-testing.ts'

afterAll(removeTemporary)

const planes = {
  prompt: '{type: flagd, path: deploy/flags.json, flag: prompt}',
  model: '{type: git, path: deploy/values.yaml, pointer: /model}',
  index: program('index'),
  guardrails: program('guardrails'),
  code: program('code'),
}
/** Runs before the n-th call of a program of a plane; what the program itself does goes on, as with a real one. */
const killAt = (n: number) => `const fs = require('fs')
// Several run at once: each takes a number of its own.
let nth = 0
for (let taken = true; taken; ) {
  nth += 1
  try { fs.closeSync(fs.openSync('call-' + nth, 'wx')); taken = false } catch {}
}
if (nth === ${n}) process.kill(Number(fs.readFileSync('runner.pid', 'utf8')), 'SIGKILL')
`
const hook = (then: string) => `#!/bin/sh
if [ ! -e killed ]; then touch killed; kill -9 "$(cat runner.pid)"; ${then}; fi
`

async function production(): Promise<Place> {
  const made = await place(planes)
  made.write('index.version', 'kb-2')
  made.write('guardrails.version', 'g-2')
  made.write('code.version', 'app:2')
  return made
}
function versions(made: Place): unknown[] {
  const programs = ['index', 'guardrails', 'code'].map((name) => made.read(`${name}.version`))
  const { defaultVariant } = JSON.parse(made.read('deploy/flags.json')).flags.prompt
  return [defaultVariant, /model: (\S+)/.exec(made.read('deploy/values.yaml'))?.[1], ...programs]
}
const old = ['old', 'm-1-2026-01-01', 'kb-1', 'g-1', 'app:1']

/** The next call, without anything of the test in its way, must bring all home, once. */
async function finishes(made: Place): Promise<void> {
  writeFileSync(join(made.folder, 'before.cjs'), '')
  const { ending, stdout } = await rollback(made.folder, [], { apply: true })
  expect(stdout).toContain('Verified')
  expect(ending).toBe('pass')
  expect(versions(made)).toEqual(old)
  const current = made.ledger().at(-1)
  expect(current).toMatchObject({ rollback: { to: '2026-11-01.1', left: [] }, container: 'app:1' })
  expect(made.ledger().filter(({ rollback: of }) => of !== undefined)).toHaveLength(1)
  expect((await verifyLedger(join(made.folder, 'releases'), { committed: null })).faults).toEqual([])
  expect(Number(made.git('rev-list', '--count', 'HEAD'))).toBe(2)
  expect((await rollback(made.folder, [], { apply: true })).ending).toBe('pass')
  expect(made.ledger()).toHaveLength(3)
}

describe('kill -9', () => {
  // Three programs are read at once at first, then each is set and read back.
  it.each([1, 3, 4, 5, 6, 7, 8, 9])(
    'at call %i of a program',
    async (n) => {
      const made = await production()
      made.write('before.cjs', killAt(n))
      const { ended } = await rollbackProcess(made.folder)
      expect(await ended).toBe('SIGKILL')
      const kinds = made.actions().map(({ kind }) => kind)
      expect(kinds).not.toContain('ended')
      expect(made.ledger()).toHaveLength(2)
      await finishes(made)
      // What was begun goes on under its name, so that the other side sees one key.
      const runs = new Set(made.actions().map(({ run }) => run))
      if (kinds.includes('begun')) expect(runs.size).toBe(2)
    },
    60_000,
  )

  it.each([
    ['between the edit of a file in git and its commit', 'prepare-commit-msg', 'exit 1'],
    ['between a commit and what follows', 'post-commit', 'true'],
  ])(
    '%s',
    async (_, name, then) => {
      const made = await production()
      const file = join(made.folder, '.git/hooks', name)
      made.write(`.git/hooks/${name}`, hook(then))
      chmodSync(file, 0o755)
      const { ended } = await rollbackProcess(made.folder)
      expect(await ended).toBe('SIGKILL')
      // The git that it had started ends by itself.
      await expect.poll(() => existsSync(join(made.folder, '.git/index.lock')), { timeout: 5_000 }).toBe(false)
      await finishes(made)
    },
    60_000,
  )

  it('right after the ledger has the release', async () => {
    const made = await production()
    const { child, ended } = await rollbackProcess(made.folder)
    const ledger = join(made.folder, 'releases/ledger.jsonl')
    while (readFileSync(ledger, 'utf8').trimEnd().split('\n').length < 3 && child.exitCode === null)
      await new Promise((go) => setTimeout(go, 1))
    child.kill('SIGKILL')
    await ended
    await finishes(made)
  }, 60_000)
})
