// The rule from a change to the size of its version step, and what a change may not do to published versions.
import { describe, expect, it } from 'vitest'
import {
  bumpBetween,
  hasEntry,
  nextVersion,
  type PromptContent,
  promptChange,
  promptFaults,
  type PromptVersion,
} from './prompt-change.ts'

const content = (template: string, rest: Partial<PromptContent> = {}): PromptContent => ({
  input: ['q'],
  messages: [{ role: 'user', template, line: 1 }],
  ...rest,
})
const bumpOf = (before: PromptContent, after: PromptContent) => promptChange(before, after).bump

describe('promptChange', () => {
  const base = content('Answer {{ q }} briefly.')
  it.each([
    ['nothing', content('Answer {{ q }} briefly.'), 'none'],
    ['the order of the variables', content('Answer {{ q }} briefly.', { input: ['q'] }), 'none'],
    [
      'an output that says what was so already',
      content('Answer {{ q }} briefly.', { output: { format: 'text' } }),
      'none',
    ],
    ['a description', content('Answer {{ q }} briefly.', { description: 'x' }), 'patch'],
    ['white space', content('Answer\n\n  {{q}}  briefly. '), 'patch'],
    ['white space control', content('Answer {{- q -}} briefly.'), 'patch'],
    ['a comment', content('Answer {% comment %} why {% endcomment %}{{ q }} briefly.'), 'patch'],
    ['an inline comment', content('Answer {%- # why %} {{ q }} briefly.'), 'patch'],
    ['a word', content('Answer {{ q }} politely.'), 'minor'],
    ['a space that parts a word', content('Ans wer {{ q }} briefly.'), 'minor'],
    ['a zero-width character', content('Answer\u200b {{ q }} briefly.'), 'minor'],
    ['a filter', content('Answer {{ q | upcase }} briefly.'), 'minor'],
    ['a comment of HTML, which the model sees', content('Answer {{ q }} briefly.<!-- no -->'), 'minor'],
    [
      'a comment within raw, which the model sees',
      content('Answer {{ q }} briefly.{% raw %}{% comment %}a{% endcomment %}{% endraw %}'),
      'minor',
    ],
    [
      'the role',
      content('', { messages: [{ role: 'system', template: 'Answer {{ q }} briefly.', line: 1 }] }),
      'minor',
    ],
    ['a variable more', content('Answer {{ q }} briefly.', { input: ['q', 'r'] }), 'major'],
    ['a variable less', content('Answer {{ q }} briefly.', { input: [] }), 'major'],
    ['the format', content('Answer {{ q }} briefly.', { output: { format: 'json' } }), 'major'],
  ] as const)('%s', (_, after, bump) => {
    expect(bumpOf(base, after)).toBe(bump)
    expect(bumpOf(after, base)).toBe(bump)
  })
  it('compares the schemas of the answer by value, and tells every reason', () => {
    const json = (schema: Record<string, string>) => content('a', { output: { format: 'json', schema } })
    expect(bumpOf(json({ a: '1', b: '2' }), json({ b: '2', a: '1' }))).toBe('none')
    expect(bumpOf(json({ a: '1' }), json({ a: '2' }))).toBe('major')
    expect(promptChange(content('a'), content('b', { input: ['r', 's'], description: 'x' }))).toEqual({
      bump: 'major',
      reasons: ['new variables "r", "s"', 'removed variable "q"', 'other instructions', 'another description'],
    })
  })
})

it.each([
  ['1.2.3', '2.0.0', '1.3.0', '1.2.4'],
  ['0.2.3', '1.0.0', '0.3.0', '0.2.4'],
  ['1.2.3-rc.1', '2.0.0', '1.3.0', '1.2.3'],
  ['1.2.0-rc.1+build', '2.0.0', '1.2.0', '1.2.0'],
  ['2.0.0-rc.1', '2.0.0', '2.0.0', '2.0.0'],
])('after %s: %s, %s, %s', (version, major, minor, patch) => {
  expect([nextVersion(version, 'major'), nextVersion(version, 'minor'), nextVersion(version, 'patch')]).toEqual([
    major,
    minor,
    patch,
  ])
})

it('takes the first number that differs for the step', () => {
  expect(bumpBetween('1.9.9', '2.0.0')).toBe('major')
  expect(bumpBetween('1.1.0', '1.10.0')).toBe('minor')
  expect(bumpBetween('1.1.1', '1.1.2')).toBe('patch')
  expect(bumpBetween('1.1.1', '1.1.1+2')).toBe('none')
})

describe('promptFaults', () => {
  const version = (ref: string, template: string, rest: Partial<PromptContent> = {}): PromptVersion => {
    const [name = '', number = ''] = ref.split('@')
    const file = `prompts/${name}/${number}.md`
    return { name, version: number, file, hash: `${ref} ${template}`, content: content(template, rest) }
  }
  const faults = (published: PromptVersion[], prompts: PromptVersion[], changelogs?: Record<string, string>) =>
    promptFaults({
      base: 'abc',
      published,
      prompts,
      changelogs: changelogs ? new Map(Object.entries(changelogs)) : null,
    })
  const [one, two] = [version('a@1.0.0', 'x'), version('a@1.1.0', 'y')]

  it('finds nothing where published versions stay and steps are large enough', () => {
    expect(faults([one], [one, two, version('a@1.1.1', ' y'), version('a@2.0.0', 'y', { input: [] })])).toEqual([])
    expect(faults([], [version('b@3.2.1', 'first')])).toEqual([])
  })
  it('refuses a changed published version, wherever it lies now', () => {
    expect(faults([one, two], [one, { ...two, hash: 'other' }])).toEqual([
      {
        file: two.file,
        problem: 'a@1.1.0 is published (abc) and was changed; a published version never changes',
        mend: 'Run `aigate prompt bump a`: your text becomes a new version, and 1.1.0 is restored.',
      },
    ])
    expect(faults([one, two], [{ ...one, hash: '' }, two])[0]?.mend).toMatch(/bump a@1\.0\.0`/)
    const moved = { ...one, file: 'elsewhere/a/1.0.0.md' }
    expect(faults([one], [moved])).toEqual([])
    expect(faults([one], [{ ...moved, hash: 'other' }])).toHaveLength(1)
  })
  it('refuses a removed version of a prompt that lives on, but lets a prompt be retired', () => {
    expect(faults([one, two], [two])).toMatchObject([{ mend: 'Restore it: git checkout abc -- prompts/a/1.0.0.md' }])
    expect(faults([one, two], [])).toEqual([])
    expect(faults([one, two], [two, { ...version('b@1.0.0', 'x'), hash: one.hash }])).toEqual([])
  })
  it.each([
    ['1.0.1', 'y', {}, 'a@1.0.1 is too small a step from 1.0.0: MINOR is needed (other instructions)', '1.1.0'],
    [
      '1.1.0',
      'x',
      { input: [] },
      'a@1.1.0 is too small a step from 1.0.0: MAJOR is needed (removed variable "q")',
      '2.0.0',
    ],
    [
      '1.0.1-rc.1',
      'y',
      {},
      'a@1.0.1-rc.1 is too small a step from 1.0.0: MINOR is needed (other instructions)',
      '1.1.0',
    ],
    [
      '1.0.0+b',
      ' x',
      {},
      'a@1.0.0+b is too small a step from 1.0.0: PATCH is needed (white space or comments)',
      '1.0.1',
    ],
  ])('refuses %s', (number, template, rest, problem, wanted) => {
    const next = version(`a@${number}`, template, rest)
    expect(faults([one], [one, next])).toEqual([
      { file: next.file, problem, mend: `Name it ${wanted}: the file, and \`version\` in it.` },
    ])
    expect(faults([one, next], [one, next])).toEqual([])
  })
  it('measures a fix of an old version from that version, a release from the last release, 0.x as semver.org does', () => {
    expect(faults([one, two], [one, version('a@1.0.1', ' x'), two])).toEqual([])
    expect(faults([one], [one, version('a@1.1.0-rc.1', 'z'), version('a@1.1.0', 'y')])).toEqual([])
    const zero = version('a@0.1.0', 'x')
    expect(faults([zero], [zero, version('a@0.2.0', 'x', { input: [] })])).toEqual([])
    expect(faults([zero], [zero, version('a@0.1.1', 'x', { input: [] })])).toHaveLength(1)
  })
  it('says nothing about the step to or from a file that cannot be read', () => {
    expect(faults([one], [one, { ...version('a@1.0.1', 'y'), content: null }])).toEqual([])
  })
  it('asks for a changelog entry of new versions only', () => {
    expect(faults([one], [one, two], { a: '# Changes\n\n## 1.1.0\n' })).toEqual([])
    expect(faults([one], [one, two], { a: '## 1.0.0' })).toEqual([
      {
        file: 'prompts/a/CHANGELOG.md',
        problem: 'it has no entry for a@1.1.0; prompt_changelog asks for one',
        mend: 'Write a heading "## 1.1.0" in prompts/a/CHANGELOG.md, and below it what changed and why.',
      },
    ])
    expect(faults([one], [one, two], {})[0]?.problem).toMatch(/^there is no changelog, so no entry/)
  })
})

it.each([
  ['## 1.1.0', true],
  ['# [v1.1.0] - 2026-10-01', true],
  ['### [1.1.0](https://example.org) (2026-10-01)', true],
  ['## 1.1.0-rc.1', false],
  ['## 11.1.0', false],
  ['1.1.0', false],
  ['```\n## 1.1.0\n```', false],
  ['<!--\n## 1.1.0\n-->', false],
  ['    ## 1.1.0', false],
])('an entry for 1.1.0: %j %s', (text, found) => expect(hasEntry(text, '1.1.0')).toBe(found))
