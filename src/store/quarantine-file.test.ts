// quarantine.yaml as a text: what an added and a removed entry leave of it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Project } from '../ports.ts'
import { Config } from '../schema/config.ts'
import { QuarantineList } from '../schema/quarantine.ts'
import { readQuarantineFile, textWith, textWithout } from './quarantine-file.ts'

const entry = (id: string) => ({ suite: 's', case: id, owner: 'Ada: on call', reason: '# 17', until: '2026-12-01' })
const line = (id: string) => `{suite: s, case: ${id}, owner: Ada, reason: r, until: 2026-12-01}`
const ids = (text: string) => QuarantineList.parse(parse(text)).map((one) => one.case)

describe('adding', () => {
  it.each([
    ['no file', null, ['c']],
    ['an empty file', '', ['c']],
    ['comments only', '# talk to the guild\n', ['c']],
    ['an empty list', '# talk to the guild\n[]\n', ['c']],
    ['a list in brackets', `[${line('a')}]\n`, ['a', 'c']],
    ['a list without a last line end', `- ${line('a')}`, ['a', 'c']],
    ['the case itself', `- ${line('a')}\n# about c\n- ${line('c')}\n- ${line('d')}\n`, ['a', 'c', 'd']],
    [
      'an alias',
      `- ${line('a').replace('suite: s', 'suite: &s s')}\n- ${line('c').replace('suite: s', 'suite: *s')}\n`,
      ['a', 'c'],
    ],
  ])('to %s', (_, text, want) => {
    const after = textWith(text, entry('c'))
    expect(ids(after)).toEqual(want)
    expect(parse(after)[want.indexOf('c')]).toEqual(entry('c'))
    for (const comment of text?.match(/#.*/g) ?? []) expect(after).toContain(comment)
  })

  it('changes no other line', () => {
    const text = `# head\n\n- ${line('a')} # why\n\n- suite: s\n  case: b\n  owner: 'Bob'\n  reason: "${'long '.repeat(30)}"\n  until: 2026-12-01\n`
    expect(textWith(text, entry('c')).startsWith(text)).toBe(true)
  })
})

describe('removing', () => {
  const text = `# head\n\n# about a\n- ${line('a')}\n# about b\n- ${line('b')}\n# the end\n`
  it.each([
    ['a', ['# head', '# about b', '# the end'], '# about a'],
    ['b', ['# head', '# about a', '# the end'], '# about b'],
  ])('%s takes its own comment along and no other', (id, kept, gone) => {
    const after = textWithout(text, { suite: 's', case: id })
    expect(ids(after)).toEqual(id === 'a' ? ['b'] : ['a'])
    for (const comment of kept) expect(after).toContain(comment)
    expect(after).not.toContain(gone)
  })

  it('the last one leaves an empty list, and adding after it works', () => {
    const none = textWithout(textWithout(text, { suite: 's', case: 'b' }), { suite: 's', case: 'a' })
    expect(ids(none)).toEqual([])
    expect(none).toContain('# head')
    expect(ids(textWith(none, entry('c')))).toEqual(['c'])
  })

  it('what is not in it changes nothing that it says', () => {
    expect(parse(textWithout(text, { suite: 'other', case: 'a' }))).toEqual(parse(text))
  })
})

describe('reading', () => {
  const root = mkdtempSync(join(tmpdir(), 'aigate-quarantine-'))
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  const project: Project = { root, file: join(root, 'aigate.yaml'), config: Config.parse({ version: 1 }) }

  it('no file, and one that holds comments and a thousand blank lines, are empty lists', async () => {
    expect(await readQuarantineFile(project)).toMatchObject({ text: null, entries: [], shown: 'quarantine.yaml' })
    writeFileSync(join(root, 'quarantine.yaml'), `# none now\n${'\n'.repeat(1000)}  # really\n`)
    expect(await readQuarantineFile(project)).toMatchObject({ entries: [] })
    writeFileSync(join(root, 'quarantine.yaml'), `${'\n'.repeat(1000)}- ${line('a')}\r\n`)
    expect((await readQuarantineFile(project)).entries).toHaveLength(1)
  })

  it('another name in the configuration, also an absolute one', async () => {
    const file = join(root, 'held.yaml')
    writeFileSync(file, `- ${line('a')}\n`)
    for (const quarantine of ['held.yaml', file]) {
      const read = await readQuarantineFile({ ...project, config: { ...project.config, quarantine } })
      expect(read).toMatchObject({ path: file, shown: 'held.yaml', entries: [{ case: 'a' }] })
    }
  })
})
