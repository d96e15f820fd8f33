// The journal of actions: what is added is there after a crash, what was changed is found, one writer at a time.
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ActionEntry } from '../schema/action-journal.ts'
import { actionsFile, openActions, readActions, withActions } from './action-journal.ts'
import { bundled, killOnceAcknowledged } from './crash-testing.ts'
import { folderWith, problemsOf } from './project-testing.ts'

const stamp = () => ({ at: '2026-11-21T03:00:00.000Z', by: 'Ada' })
const entry = (n: number): ActionEntry => ({ kind: 'applied', run: 'r', id: `a-${n}`, read_back: { n } })

describe('the journal of actions', () => {
  it('gives back what was added, in order, and none where there is none', () => {
    const folder = folderWith({})
    expect(readActions(folder)).toEqual({ records: [], torn: undefined })
    const log = openActions(folder, stamp)
    log.add(entry(1))
    log.add(entry(2))
    openActions(folder, stamp).add(entry(3))
    expect(readActions(folder).records).toMatchObject([1, 2, 3].map((n) => ({ seq: n, by: 'Ada', id: `a-${n}` })))
    expect(log.records).toHaveLength(2)
  })

  it('cuts off a torn end with a warning, and refuses a changed record', () => {
    const folder = folderWith({})
    openActions(folder, stamp).add(entry(1))
    appendFileSync(actionsFile(folder), '{"aigate":"actions","ver')
    expect(readActions(folder).torn).toContain('24 bytes of a record that was never finished')
    openActions(folder, stamp).add(entry(2))
    expect(readActions(folder)).toMatchObject({ records: [{ id: 'a-1' }, { id: 'a-2' }], torn: undefined })
    const file = actionsFile(folder)
    writeFileSync(file, readFileSync(file, 'utf8').replace('"n":1', '"n":7'))
    expect(() => openActions(folder, stamp)).toThrow('Record 1 of the journal of actions is damaged')
  })

  it('refuses the record of a newer aigate in a sentence', () => {
    const folder = folderWith({})
    const log = openActions(folder, stamp)
    log.add(entry(1))
    const file = actionsFile(folder)
    const open = readFileSync(file, 'utf8')
      .trimEnd()
      .replace('"version":1', '"version":2')
      .replace(/,"hash":"\w+"\}$/, '')
    const hash = createHash('sha256').update(open).digest('hex')
    writeFileSync(file, `${open},"hash":"${hash}"}\n`)
    expect(() => readActions(folder)).toThrow(
      'a record of the journal of actions in format 2, written by a newer aigate',
    )
  })

  it('keeps out a second writer, and says who is at it', async () => {
    const folder = folderWith({})
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'lock'), '1 another-machine abc\n')
    const [problem] = await problemsOf(withActions(folder, 'runner', () => 0))
    expect(problem).toContain('Another runner is at the actions on production (process 1 on another-machine)')
  }, 20_000)

  it('has every record that was acknowledged, after kill -9', async () => {
    const folder = folderWith({})
    const module = await bundled(folderWith({}), 'action-journal.ts')
    const script = `import { openActions } from ${JSON.stringify(module)}
      const log = openActions(${JSON.stringify(folder)}, () => ({ at: '2026-11-21T03:00:00.000Z', by: 'Ada' }))
      for (let n = 1; ; n++) { log.add({ kind: 'applied', run: 'r', id: 'a-' + n, read_back: n }); acknowledge(n) }`
    const acknowledged = await killOnceAcknowledged(script, join(folder, 'ack'), 20)
    const { records } = readActions(folder)
    expect(records.length).toBeGreaterThanOrEqual(acknowledged.length)
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, i) => i + 1))
  }, 30_000)
})
