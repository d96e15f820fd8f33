// A folder that the system will not make, as below /proc, where Node's own way of making folders never returns: a sentence and no hang.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { replaceFile } from '../../act/replace-file.ts'
import { makeFolder, makeFolderSync } from '../../make-folder.ts'
import { saveTables } from '../../observe/known-file.ts'
import { removeTemporary, start, temporary } from '../cli-testing.ts'
import { type Api, promptProject, startApi } from '../git-testing.ts'

let api: Api
beforeEach(async () => {
  api = await startApi(() => 'right')
})
afterEach(() => api.close())
afterAll(removeTemporary)

/** Killed where it hangs: no other signal ends what is busy in one call of the system after the other. */
async function within(seconds: number, args: string[], folder: string) {
  const { child, ended } = start(args, folder)
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000)
  const result = await ended
  clearTimeout(timer)
  return { ...result, ended: child.signalCode }
}

const isLinux = existsSync('/proc/self')
it.skipIf(!isLinux)(
  'of the cache: everything is asked, and it is said that nothing is kept',
  { timeout: 60_000 },
  async () => {
    const folder = promptProject(api, { cases: 4 })
    for (const dir of ['/proc/aigate', '/proc/aigate/cache']) {
      const { code, stderr, stdout, ended } = await within(25, ['eval', '--cache-dir', dir], folder)
      expect([code, ended]).toEqual([0, null])
      expect(stderr + stdout).toMatch(/Answers are not kept for the next run: .*\/proc\/aigate.* does not exist/)
    }
    expect(api.asked).toHaveLength(8)
  },
)

it.skipIf(!isLinux)('of the run and of a report: a sentence', { timeout: 90_000 }, async () => {
  const folder = promptProject(api, { cases: 4 })
  for (const args of [
    ['--out', '/proc/aigate'],
    ['--reporter', 'json:/proc/aigate/run.json'],
  ]) {
    const { code, stderr, ended } = await within(25, ['eval', ...args], folder)
    expect([code, ended]).toEqual([2, null])
    expect(stderr).toMatch(/\/proc\/aigate.* cannot be written: it does not exist/)
    expect(stderr).not.toMatch(/^ +at /m)
  }
})

it.skipIf(!isLinux)('of a control plane or of what is known between two looks: an error', async () => {
  const none = { columns: 1, size: 0, data: new Uint32Array() }
  const recent = { since: 0, young: none, old: none }
  const pending = { width: 1, length: 60_000, minutes: new Map() }
  const tables = { units: { table: none, halvings: 0, most: 1 }, ids: recent, answers: recent, pending }
  await expect(replaceFile('/proc/aigate/plane/flags.json', () => '{}')).rejects.toThrow(
    /flags\.json cannot be written/,
  )
  await expect(saveTables('/proc/aigate/known', tables)).rejects.toThrow(/could not be written to \/proc.*ENOENT/)
})

it('folders in folders, those that are there, and those in whose way a file stands', async () => {
  const top = temporary()
  makeFolderSync(join(top, 'a', 'b', 'c'))
  makeFolderSync(join(top, 'a', 'b'))
  await makeFolder(join(top, 'd', 'e'))
  for (let round = 0; round < 50; round++) {
    const inOne = (i: number) => join(top, `x${round}`, 'y', 'z', `${i % 3}`)
    await Promise.all(Array.from({ length: 20 }, (_, i) => makeFolder(inOne(i))))
  }
  expect(['a/b/c', 'd/e', 'x49/y/z/2'].map((path) => existsSync(join(top, path)))).toEqual([true, true, true])
  const file = join(import.meta.dirname, 'resume.ts')
  expect(readFileSync(file, 'utf8')).not.toBe('')
  expect(() => makeFolderSync(join(file, 'a'))).toThrow('ENOTDIR')
  await expect(makeFolder(join(file, 'a', 'b'))).rejects.toThrow('ENOTDIR')
  expect(() => makeFolderSync(file)).toThrow('EEXIST')
})
