// A run on a disk that is really full, and in a folder that is read-only: what was paid for stays readable, and the run goes on later.
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { aigate, removeTemporary, root, temporary } from '../cli-testing.ts'
import { type Api, promptProject, startApi } from '../git-testing.ts'

const own = ['-rm', 'sh', '-c']
const mountable = spawnSync('unshare', [...own, 'mount -t tmpfs -o size=64k tmpfs /mnt']).status === 0
const CASES = 40
const CONCURRENCY = 8

let api: Api
beforeEach(async () => {
  api = await startApi(({ user }) => `right: ${user} ${'x'.repeat(20_000)}`)
})
afterEach(() => api.close())
afterAll(removeTemporary)

it.skipIf(!mountable)(
  'a full disk ends the run as not measured, and --resume goes on with it',
  { timeout: 60_000 },
  async () => {
    const top = temporary()
    mkdirSync(join(top, 'disk'))
    cpSync(promptProject(api, { cases: CASES }), join(top, 'project'), { recursive: true })
    const script = `mount -t tmpfs -o size=3m tmpfs disk && cp -r project/. disk && cd disk && head -c 2400000 /dev/zero > .aigate-filler
    "$0" "$1" eval > ../first.out 2> ../first.err; echo $? > ../first.code
    cat .aigate/runs/*/app.jsonl > ../first.jsonl
    rm .aigate-filler
    "$0" "$1" eval --resume > ../second.out 2> ../second.err; echo $? > ../second.code`
    const child = spawn('unshare', [...own, script, process.execPath, join(root, 'bin', 'aigate.js')], {
      cwd: top,
      stdio: 'ignore',
      env: { ...process.env, CI: '', NO_COLOR: '1' },
    })
    await new Promise((done) => child.on('close', done))
    const said = (name: string) => readFileSync(join(top, name), 'utf8').trim()
    expect([said('first.code'), said('first.err')]).toEqual([
      '4',
      expect.stringMatching(/app\.jsonl could not be .* no space is left on the disk/),
    ])
    expect(said('first.err')).not.toMatch(/ at .*\.js/)
    const lines = said('first.jsonl').split('\n')
    const kept = lines.filter((line) => line.startsWith('{"type":"answer"')).length
    expect(kept).toBeGreaterThan(0)
    expect(kept).toBeLessThan(CASES)
    expect(said('first.jsonl')).not.toMatch(/"type":"end","complete":true/)
    expect([said('second.code'), said('second.err')]).toEqual(['0', expect.anything()])
    expect(said('second.out')).toMatch(/PASS/)
    // Only what was under way when nothing could be saved any more was paid for twice.
    expect(api.asked.length).toBeLessThanOrEqual(CASES + CONCURRENCY)
  },
)

it('a folder that takes no records is said before anybody is asked', async () => {
  const folder = promptProject(api, { cases: 3 })
  if (process.getuid?.() === 0) {
    // Nothing is read-only to root: a file stands where the folder should be.
    cpSync(join(folder, 'aigate.yaml'), join(folder, '.aigate'))
  } else chmodSync(folder, 0o555)
  const { code, stderr } = await aigate(['eval'], folder)
  chmodSync(folder, 0o755)
  expect([code, stderr]).toEqual([2, expect.stringMatching(/cannot be written/)])
  expect(stderr).not.toMatch(/ at .*\.js/)
  expect(api.asked).toEqual([])
})
