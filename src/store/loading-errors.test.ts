// Every mistake that a person can make in a file: the exact place, the sentence, the frame.
import { describe, expect, it } from 'vitest'
import { checkProject } from './check.ts'
import { codeFrame } from './faults.ts'
import { loadProject } from './project.ts'
import {
  errorsOf,
  folderWith,
  goodConfig,
  goodFiles,
  goodPrompt,
  goodSuite,
  oneLine,
  problemsOf,
} from './project-testing.ts'
import { loadSuites } from './suites.ts'

const SUITE = 'evals/support.suite.yaml'
const PROMPT = 'prompts/support/answer/1.2.0.md'

async function load(files: Record<string, string | Uint8Array>) {
  const cwd = folderWith({ ...goodFiles, ...files })
  return loadSuites(await loadProject({ cwd }), { suites: [] })
}
const target = '{prompt: support/answer@1.2.0, model: main}'

describe('a suite file', () => {
  const added = (line: string) => ['cases:', `${line}\ncases:`] as const
  it.each<[string, readonly [string | RegExp, string], string[]]>([
    [
      'unknown key',
      ['critical: true', 'crtical: true'],
      [`${SUITE}:12:5 cases[1]: unknown key "crtical"; did you mean "critical"?`],
    ],
    [
      'unknown key of an assertion',
      ['max_words: 120', 'max_words: 120, wieght: 2'],
      [`${SUITE}:4:27 assert[0]: unknown key "wieght"; did you mean "weight"?`],
    ],
    [
      'unknown key in an assertion',
      ['max_words: 120', 'json_path: {path: x, equal: 3}'],
      [`${SUITE}:4:32 assert[0].json_path: unknown key "equal"; did you mean "equals"?`],
    ],
    [
      'unknown key of a target',
      ['model: main}', 'model: main, parms: {}}'],
      [`${SUITE}:3:53 target: unknown key "parms"; did you mean "params"?`],
    ],
    [
      'unknown assertion',
      ['contains: refund', 'contain: refund'],
      [`${SUITE}:14:15 cases[1].assert[0]: unknown assertion "contain"; did you mean "contains"?`],
    ],
    [
      'assertion without not_',
      ['max_words: 120', 'not_max_words: 3'],
      [`${SUITE}:4:11 assert[0]: unknown assertion "not_max_words"; did you mean "max_words"?`],
    ],
    [
      'two assertions in one',
      ['max_words: 120', 'max_words: 1, contains: a'],
      [`${SUITE}:4:10 assert[0]: "contains" and "max_words" cannot stand together`],
    ],
    ['empty assertion', ['{max_words: 120}', '{weight: 2}'], [`${SUITE}:4:10 assert[0]: this entry asserts nothing`]],
    [
      'assertion as text',
      ['{max_words: 120}', 'is_json'],
      [`${SUITE}:4:10 assert[0]: expected a map of keys and values, found "is_json"`],
    ],
    [
      'wrong type',
      ['max_words: 120', 'max_words: many'],
      [`${SUITE}:4:22 assert[0].max_words: expected a number, found "many"`],
    ],
    [
      'fraction for a whole number',
      ['max_words: 120', 'max_words: 1.5'],
      [`${SUITE}:4:22 assert[0].max_words: expected a whole number, found the number 1.5`],
    ],
    [
      'wrong type in a union',
      ['max_words: 120', 'contains: 3'],
      [`${SUITE}:4:21 assert[0].contains: expected text or a list, found the number 3`],
    ],
    [
      'wrong type deep in a union',
      ['max_words: 120', 'contains: [a, 3]'],
      [`${SUITE}:4:25 assert[0].contains[1]: expected text, found the number 3`],
    ],
    [
      'wrong form',
      ['max_words: 120', 'latency: 2sec'],
      [`${SUITE}:4:20 assert[0].latency: expected a duration such as 500ms, 2s, 5m, 1h or 1d, found "2sec"`],
    ],
    [
      'wrong choice',
      added('gate: {scope: popualtion}'),
      [
        `${SUITE}:5:15 gate.scope: expected one of "suite", "population", found "popualtion"; did you mean "population"?`,
      ],
    ],
    [
      'out of range',
      added('gate: {alpha: 0.9}'),
      [`${SUITE}:5:15 gate.alpha: expected a number below 0.5, found the number 0.9`],
    ],
    [
      'share without percent',
      added('gate: {max_regression: five}'),
      [`${SUITE}:5:24 gate.max_regression: expected a share such as 0.05 or 5%, found "five"`],
    ],
    [
      'a body that GET does not have',
      [target, '{http: {url: "http://127.0.0.1:1/", method: GET, body: {a: 1}}}'],
      [`${SUITE}:3:64 target.http.body: a GET request has no body`],
    ],
    [
      'a trajectory in plain text',
      [target, '{http: {url: "http://127.0.0.1:1/", stream: text, trajectory: $.steps}}'],
      [`${SUITE}:3:53 target.http.stream: plain text holds neither contexts, trajectory nor state`],
    ],
    [
      'a module that is not there',
      [target, '{module: ../zzz.mjs}'],
      [`${SUITE}:3:18 target.module: there is no file ../zzz.mjs`],
    ],
    [
      'a program that is not there',
      [target, '{command: [./zzz]}'],
      [`${SUITE}:3:20 target.command: there is no file ./zzz`],
    ],
    [
      'graders that are not there',
      ['max_words: 120}]', 'module: {path: a.mjs}}, {command: {run: [./b]}}, {command: {run: [node, c.mjs]}}]'],
      [
        `${SUITE}:4:26 assert[0].module.path: there is no file a.mjs`,
        `${SUITE}:4:52 assert[1].command.run: there is no file ./b`,
      ],
    ],
    [
      'a grader of a case that is not there',
      ['contains: refund', 'module: {path: a.mjs}'],
      [`${SUITE}:14:30 assert[0].module.path: there is no file a.mjs`],
    ],
    ['trials upside down', added('trials: {min: 5, max: 2}'), [`${SUITE}:5:9 trials: min is larger than max`]],
    [
      'trials as a word',
      added('trials: many'),
      [`${SUITE}:5:9 trials: expected a number, "auto" or a map of keys and values, found "many"`],
    ],
    [
      'number for a version',
      ['version: 1.3.0', 'version: 1.10'],
      [`${SUITE}:2:10 version: expected text, found the number 1.1`],
    ],
    ['number for an id', ['id: tc_001', 'id: 1e3'], [`${SUITE}:6:9 cases[0].id: expected text, found the number 1000`]],
    [
      'version that is none',
      ['version: 1.3.0', 'version: "1.10"'],
      [`${SUITE}:2:10 version: expected a semantic version such as 1.2.0, found "1.10"`],
    ],
    [
      'yes is text',
      ['critical: true', 'critical: yes'],
      [`${SUITE}:12:15 cases[1].critical: expected true or false, found "yes"`],
    ],
    ['missing key', ['version: 1.3.0\n', ''], [`${SUITE}:1:1 missing required key "version"`]],
    [
      'missing key in a list',
      ['- id: tc_001\n    category', '- category'],
      [`${SUITE}:6:5 cases[0]: missing required key "id"`],
    ],
    ['key without value', ['suite: support', 'suite:'], [`${SUITE}:1:1 suite: expected text, found nothing`]],
    [
      'target without kind',
      [target, '{}'],
      [`${SUITE}:3:9 target: expected one of the keys prompt, command, http, module`],
    ],
    [
      'target misspelled is one mistake',
      [target, '{promt: support/answer@1.2.0, model: main}'],
      [`${SUITE}:3:10 target: unknown key "promt"; did you mean "prompt"?`],
    ],
    [
      'target with unknown kind',
      [target, '{comand: [a]}'],
      [`${SUITE}:3:10 target: unknown key "comand"; did you mean "command"?`],
    ],
    [
      'target as text',
      [target, 'support'],
      [`${SUITE}:3:9 target: expected a map of keys and values, found "support"`],
    ],
    [
      'branch of the target',
      [target, '{http: {url: 3}}'],
      [`${SUITE}:3:22 target.http.url: expected text, found the number 3`],
    ],
    [
      'unknown model',
      ['model: main', 'model: man'],
      [`${SUITE}:3:47 target.model: unknown model "man"; did you mean "main"?`],
    ],
    [
      'unknown prompt',
      ['support/answer@', 'support/anwser@'],
      [`${SUITE}:3:18 target.prompt: unknown prompt "support/anwser"; did you mean "support/answer"?`],
    ],
    [
      'unknown version',
      ['answer@1.2.0', 'answer@1.1.0'],
      [`${SUITE}:3:18 target.prompt: prompt "support/answer" has no version 1.1.0; there is 1.2.0`],
    ],
    ['duplicate id', ['tc_003', 'tc_001'], [`${SUITE}:11:9 the case id "tc_001" is used twice, first in ${SUITE}:6`]],
    ['no cases', [/cases:[\s\S]*/, ''], [`${SUITE}:1:1 suite "support" has no cases`]],
    [
      'missing variable',
      ['vars: {question: "What is our refund policy?"}', 'vars: {}'],
      [`${SUITE}:11:5 case tc_003 lacks variable "question" that prompt support/answer@1.2.0 needs`],
    ],
    [
      'unused variable',
      ['{question: "What', '{tone: warm, question: "What'],
      [`${SUITE}:13:12 case tc_003 gives variable "tone" that prompt support/answer@1.2.0 does not use`],
    ],
    [
      'category that no case has',
      added('gate: {categories: {summarize: {min_pass_rate: 1}}}'),
      [`${SUITE}:5:21 gate.categories: no case has the category "summarize"; did you mean "summarise"?`],
    ],
    [
      'missing file of cases',
      added('cases_from: [more.csv]'),
      [`${SUITE}:5:14 cases_from: more.csv: there is no such file`],
    ],
    [
      'file of cases of an unknown format',
      added('cases_from: [more.txt]'),
      [`${SUITE}:5:14 cases_from: more.txt: the format of this file is not known`],
    ],
    [
      'duplicate key',
      ['suite: support', 'suite: support\nsuite: b'],
      [`${SUITE}:2:1 the key "suite" is written twice`],
    ],
    ['tab', ['    category: summarise', '\tcategory: summarise'], [`${SUITE}:7:1 YAML may not be indented with tabs`]],
    [
      'open quote',
      ['suite: support', 'suite: "support'],
      [`${SUITE}:1:16 a quotation mark is opened here or above and never closed`],
    ],
    [
      'open brace',
      ['{max_words: 120}]', '{max_words: 120]'],
      [`${SUITE}:4:25 a { that is opened before is not closed here`],
    ],
    [
      'open bracket',
      ['[{max_words: 120}]', '[{max_words: 120}'],
      [`${SUITE}:5:1 a [ that is opened before is not closed here`],
    ],
    [
      'brace too many',
      ['{max_words: 120}]', '{max_words: 120}}]'],
      [`${SUITE}:4:26 a [ that is opened before is not closed here`],
    ],
    [
      'indented less than its item',
      ['    category: summarise', '   category: summarise'],
      [`${SUITE}:7:1 this line stands between the items of a list and is none of them`],
    ],
    [
      'indented more than its item',
      ['  - id: tc_001', '- id: tc_001'],
      [`${SUITE}:6:7 the line below is indented as if it belonged to this value`],
    ],
    ['a percentage without its sign', added('gate: {min_pass_rate: 85}'), [`${SUITE}:5:23 gate.min_pass_rate: expected a number of at most 1, found the number 85`]], // biome-ignore format: one row
    [
      'an assertion as promptfoo writes it',
      ['contains: refund', 'type: contains, value: refund'],
      [`${SUITE}:14:15 cases[1].assert[0]: the name of an assertion is its key, not "type"`],
    ],
    [
      'colon in plain text',
      ['suite: support', 'suite: a: b'],
      [`${SUITE}:1:8 a colon in the middle of a text begins a new key`],
    ],
    [
      'reserved character',
      ['suite: support', 'suite: @me'],
      [`${SUITE}:1:8 Plain value cannot start with reserved character @`],
    ],
    ['two documents', ['cases:', '---\ncases:'], [`${SUITE}:5:1 the file holds more than one YAML document`]],
    [
      'two documents, the first with a marker',
      ['suite: support', '---\na: 1\n---\nsuite: support'],
      [`${SUITE}:3:1 the file holds more than one YAML document`],
    ],
    [
      'anchor that is not there',
      ['"Summarize: Revenue up 32%"', '*nobody'],
      [`${SUITE}:9:22 Unresolved alias (the anchor must be set before the alias): nobody`],
    ],
    [
      'tag',
      ['"Summarize: Revenue up 32%"', '!secret x'],
      [`${SUITE}:9:22 Unresolved tag: !secret; tags are not supported`],
    ],
    [
      'binary',
      ['"Summarize: Revenue up 32%"', '!!binary aGFsbG8='],
      [`${SUITE}:9:31 YAML tags such as !!binary or !!set are not supported`],
    ],
    ['not a number', ['"Summarize: Revenue up 32%"', '.nan'], [`${SUITE}:9:22 NaN is not a number that can be used`]],
    [
      'value that contains itself',
      ['"Summarize: Revenue up 32%"', '&a [*a]'],
      [`${SUITE}:9:26 values are nested more than 200 levels deep, or a value contains itself`],
    ],
    [
      'list as key',
      ['{question: "Summarize', '{[a]: b, question: "Summarize'],
      [`${SUITE}:9:12 a key must be plain text`],
    ],
    [
      '__proto__',
      ['{question: "Summarize', '{__proto__: {a: 1}, question: "Summarize'],
      [`${SUITE}:9:12 the key "__proto__" is not allowed`],
    ],
  ])('%s', async (_, [from, to], expected) => {
    const broken = goodSuite.replace(from, to)
    expect(broken).not.toBe(goodSuite)
    const errors = await errorsOf(load({ [SUITE]: broken }))
    expect(errors.map(oneLine)).toEqual(expected)
    const [place] = errors[0]!.places
    const marked = place!.frame!.split('\n')
    expect(marked.find((line) => line.startsWith('>'))).toContain(`${place!.line} | `)
    expect(marked.find((line) => line.trim() === '|' || line.endsWith('^'))?.indexOf('^')).toBe(
      7 + place!.column! - 1 + 1,
    )
    expect(errors[0]!.mend).toMatch(/^[A-Z].*[.)"]$/)
  })

  it('tells several faults at once, in the order of the lines', async () => {
    const broken = goodSuite.replace('version: 1.3.0', 'version: 1.10').replace('contains: refund', 'contain: refund')
    expect(await problemsOf(load({ [SUITE]: broken.replace('tags: [smoke]', 'tags: smoke') }))).toEqual([
      `${SUITE}:2:10 version: expected text, found the number 1.1`,
      `${SUITE}:8:11 cases[0].tags: expected a list, found "smoke"`,
      `${SUITE}:14:15 cases[1].assert[0]: unknown assertion "contain"; did you mean "contains"?`,
    ])
  })

  it('says how to mend it', async () => {
    const mends = async (from: string, to: string) =>
      (await errorsOf(load({ [SUITE]: goodSuite.replace(from, to) }))).map(({ mend }) => mend)
    expect(await mends('version: 1.3.0', 'version: 1.10')).toEqual(['Write it in quotes: "1.10"'])
    expect(await mends('contains: refund', 'contain: refund')).toEqual(['Write "contains".'])
    expect(await mends('answer@1.2.0', 'answer@9.0.0')).toEqual(['Choose from the versions: 1.2.0.'])
    expect(await mends('    category', '\tcategory')).toEqual(['Use spaces instead of the tab.'])
    expect(await mends('{max_words: 120}', 'is_json')).toEqual(['Write {is_json: …}.'])
    expect(await mends('max_words: 120', 'is_json: false')).toEqual(['Write not_is_json: true.'])
    expect(await mends('max_words: 120', 'not_is_refusal: false')).toEqual(['Write is_refusal: true.'])
    expect(await mends('max_words: 120', 'tool_call: {none: false}')).toEqual(['Write true, or remove the key.'])
    expect(await mends(target, '{http: {url: x, method: GET, body: 1}}')).toEqual([
      'Remove the body, or write method: POST.',
    ])
  })

  it('is not called unknown when it is broken', async () => {
    const broken = goodSuite.replace('suite: support', 'suite: "gx" # mine').replace('version: 1.3.0', 'version: [')
    const cwd = folderWith({ ...goodFiles, 'evals/other.suite.yaml': broken })
    const asked = async (name: string) => problemsOf(loadSuites(await loadProject({ cwd }), { suites: [name] }))
    for (const name of ['gx', 'other']) {
      const problems = await asked(name)
      expect(problems.length).toBeGreaterThan(0)
      expect(problems.filter((one) => !one.startsWith('evals/other.suite.yaml:'))).toEqual([])
    }
    expect((await asked('third')).at(-1)).toContain('no suite matches "third"')
    expect(await loadSuites(await loadProject({ cwd }), { suites: ['support'] })).toHaveLength(1)
  })

  it('may leave the most trials out', async () => {
    const trials = async (written: string) =>
      (await load({ [SUITE]: goodSuite.replace('cases:', `trials: ${written}\ncases:`) }))[0]?.suite.trials
    expect(await trials('{min: 5}')).toEqual({ min: 5, max: 5 })
    expect(await trials('{min: 2}')).toEqual({ min: 2, max: 3 })
    expect(await trials('{max: 4}')).toEqual({ min: 1, max: 4 })
  })
})

describe('a file that is no text to read', () => {
  const bytes = (...numbers: number[]) => new Uint8Array(numbers)
  it.each<[string, string | Uint8Array, string]>([
    ['empty', '', `${SUITE}:1:1 the file is empty; a suite was expected`],
    ['only comments', '# nothing\n\n', `${SUITE}:1:1 the file is empty; a suite was expected`],
    ['only a byte order mark', '\uFEFF', `${SUITE}:1:1 the file is empty; a suite was expected`],
    ['a list', '- a\n', `${SUITE}:1:1 expected a map of keys and values, found a list`],
    ['UTF-16', bytes(0xff, 0xfe, 0x61, 0), `${SUITE} the file is UTF-16`],
    ['not UTF-8', bytes(0x61, 0xff, 0x61), `${SUITE} the file is not UTF-8 text`],
  ])('%s', async (_, content, expected) => {
    expect(await problemsOf(load({ [SUITE]: content }))).toEqual([expected])
  })

  it('nested absurdly deep', async () => {
    for (const content of ['['.repeat(50_000), `suite: ${'['.repeat(300)}${']'.repeat(300)}`]) {
      const [problem] = await problemsOf(load({ [SUITE]: content }))
      expect(problem).toMatch(/ nested (too deeply|more than 200 levels deep)/)
    }
  })

  it('a 50 MB file is refused before it is parsed', async () => {
    const big = new Uint8Array(50 * 1024 * 1024).fill(0x61)
    expect(await problemsOf(load({ [SUITE]: big }))).toEqual([
      `${SUITE} the file is too large: 50 MB, at most 20 MB are read`,
    ])
    const more = { [SUITE]: goodSuite.replace('cases:', 'cases_from: [big.csv]\ncases:'), 'evals/big.csv': big }
    expect(await problemsOf(load(more))).toEqual([
      `${SUITE}:5:14 cases_from: big.csv: the file is too large: 50 MB, at most 20 MB are read`,
    ])
  })

  it('an alias bomb', async () => {
    const levels = 'bcdefghij'
      .split('')
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(', ')}]`)
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]', ...levels, ''].join('\n')
    expect(await problemsOf(load({ [SUITE]: bomb + goodSuite }))).toEqual([
      `${SUITE}:1:1 the aliases (*name) of this file multiply beyond all measure`,
    ])
  })
})

describe('aigate.yaml', () => {
  it.each<[string, string, string, string]>([
    [
      'unknown provider',
      'main: {provider: openai',
      'main: {provider: opnai',
      'aigate.yaml:5:20 models.main.provider: unknown provider "opnai"; did you mean "openai"?',
    ],
    [
      'unknown rollback_to',
      'rollback_to: prev',
      'rollback_to: prv',
      'aigate.yaml:5:92 models.main.rollback_to: unknown model "prv"; did you mean "prev"?',
    ],
    [
      'rollback to itself',
      'rollback_to: prev',
      'rollback_to: main',
      'aigate.yaml:5:92 models.main.rollback_to: unknown model "main"',
    ],
    [
      'unknown kind of provider',
      'type: openai',
      'type: opena',
      'aigate.yaml:3:18 providers.openai.type: expected one of "openai", "replay", found "opena"; did you mean "openai"?',
    ],
    ['no kind of provider', 'type: openai, ', '', 'aigate.yaml:3:11 providers.openai: missing required key "type"'],
    ['newer format', 'version: 1', 'version: 2', 'aigate.yaml:1:10 version: expected 1, found the number 2'],
    [
      'bad URL',
      'type: openai,',
      'type: openai, base_url: x,',
      'aigate.yaml:3:36 providers.openai.base_url: expected a URL such as https://api.example.com/v1, found "x"',
    ],
    ['unknown key', 'gate:', 'gates:', 'aigate.yaml:7:1 unknown key "gates"; did you mean "gate"?'],
    [
      'category nowhere',
      'gate: {',
      'gate: {categories: {safety: {}}, ',
      'aigate.yaml gate.categories: no case of any suite has the category "safety"',
    ],
  ])('%s', async (_, from, to, expected) => {
    expect(goodConfig).toContain(from)
    expect(await problemsOf(load({ 'aigate.yaml': goodConfig.replace(from, to) }))).toEqual([expected])
  })

  it('never shows a key that was written into it', async () => {
    const secret = 'canary-0123456789'
    const files = { 'aigate.yaml': goodConfig.replace('type: openai,', `type: openai, api_key: ${secret},`) }
    const [error] = await errorsOf(load(files))
    expect(oneLine(error!)).toBe('aigate.yaml:3:26 providers.openai: unknown key "api_key"')
    expect(JSON.stringify([error!.message, error!.mend, error!.places])).not.toContain(secret)
    expect(error!.places[0]!.frame).toContain('*'.repeat(secret.length))
  })

  it('is missing', async () => {
    const cwd = folderWith({ '.git/HEAD': '', 'a/b.txt': '' })
    const [error] = await errorsOf(loadProject({ cwd: `${cwd}/a` }))
    expect([error!.code, error!.outcome, error!.message]).toEqual([
      'config_missing',
      'usage',
      'There is no configuration file aigate.yaml.',
    ])
    const [named] = await errorsOf(loadProject({ cwd, config: 'other.yaml' }))
    expect([named!.code, named!.message]).toEqual(['config_missing', 'There is no configuration file other.yaml.'])
  })
})

describe('a prompt', () => {
  it.each<[string, string, string, string[]]>([
    [
      'other version than its path',
      'version: 1.2.0',
      'version: 1.2.1',
      [`${PROMPT}:3:10 version is "1.2.1", but the path says "1.2.0"`],
    ],
    [
      'other name than its path',
      'name: support/answer',
      'name: support/reply',
      [`${PROMPT}:2:7 name is "support/reply", but the path says "support/answer"`],
    ],
    [
      'number for a version',
      'version: 1.2.0',
      'version: 1.10',
      [`${PROMPT}:3:10 version: expected text, found the number 1.1`],
    ],
    ['unknown key', 'input:', 'inputs:', [`${PROMPT}:4:1 unknown key "inputs"; did you mean "input"?`]],
    [
      'variable that is not declared',
      '{{ question }}',
      '{{ question }} {{ tone }}',
      [`${PROMPT}:10:19 the variable "tone" is not in \`input\``],
    ],
    [
      'variable that is not used',
      '[question]',
      '[question, tone]',
      [`${PROMPT}:4:19 the variable "tone" of \`input\` is not used`],
    ],
    [
      'unknown filter',
      '{{ question }}',
      'x {{ question | shout }}',
      [`${PROMPT}:10:3 the template cannot be read: unknown filter "shout"`],
    ],
    [
      'open output',
      '{{ question }}',
      'Hi\n  {{ question',
      [`${PROMPT}:11:3 the template cannot be read: output "{{ question" not closed`],
    ],
    ['unknown tag', '{{ question }}', '{% fi %}', [`${PROMPT}:10:1 the template cannot be read: tag "fi" not found`]],
    [
      'other files',
      '{{ question }}',
      '{{ question }}{% render "x" %}',
      [`${PROMPT}:10:15 the template cannot be read: tag "render" not found`],
    ],
    ['text before the first role', 'system:', 'Hello\nsystem:', [`${PROMPT}:6:1 text before the first role`]],
    ['empty message', 'You are a support agent.', '', [`${PROMPT}:6:1 the system message has no text`]],
    ['no front matter', '---\nname', 'name', [`${PROMPT}:1:1 a prompt begins with front matter`]],
    ['front matter without end', '---\nsystem', 'system', [`${PROMPT}:1:1 the front matter has no end`]],
  ])('%s', async (_, from, to, expected) => {
    expect(goodPrompt).toContain(from)
    const errors = await errorsOf(load({ [PROMPT]: goodPrompt.replace(from, to) }))
    expect(errors.map(oneLine)).toEqual(expected)
    expect(errors[0]!.places[0]!.frame).toMatch(/^> +\d+ \| +\S/m)
  })

  it('without messages', async () => {
    const problems = await problemsOf(load({ [PROMPT]: `${goodPrompt.split('system:')[0]}` }))
    expect(problems[0]).toBe(`${PROMPT}:1:1 the prompt has no message`)
  })
})

describe('files of cases', () => {
  const from = (name: string, content: string) =>
    load({ [SUITE]: goodSuite.replace('cases:', `cases_from: [${name}]\ncases:`), [`evals/${name}`]: content })
  const line = (value: object) => `${JSON.stringify(value)}\n`

  it('JSONL: each broken line is told', async () => {
    const good = line({ id: 'a', vars: { question: 'x' } })
    const bad = [
      line({ id: 'b', vars: { question: 'y' }, assert: [{ contain: 'x' }] }),
      '{"id":7}\n',
      '{"id":"x",}\n',
      '[]',
    ]
    const problems = await problemsOf(from('c.jsonl', `${good}\n${bad.join('')}`))
    expect(problems).toHaveLength(4)
    expect(problems[0]).toBe('evals/c.jsonl:3:46 assert[0]: unknown assertion "contain"; did you mean "contains"?')
    expect(problems[1]).toBe('evals/c.jsonl:4:7 id: expected text, found the number 7')
    expect(problems[2]).toMatch(/^evals\/c\.jsonl:5:11 this line is not JSON: /)
    expect(problems[3]).toBe('evals/c.jsonl:6:1 expected a map of keys and values, found an empty list')
  })

  it.each<[string, string, string, string]>([
    [
      'an empty JSONL',
      'c.jsonl',
      '\n',
      'evals/c.jsonl:1:1 the file holds no cases; one case a line, as JSON, was expected',
    ],
    ['an empty YAML list', 'c.yaml', '[]', 'evals/c.yaml:1:1 expected a list of at least 1 entry, found an empty list'],
    ['a YAML map', 'c.yaml', 'id: a', 'evals/c.yaml:1:1 expected a list, found a map'],
    [
      'an id of the suite',
      'c.yaml',
      '\n- id: tc_001\n  vars: {question: x}\n',
      `evals/c.yaml:2:7 the case id "tc_001" is used twice, first in ${SUITE}:7`,
    ],
    [
      'CSV: a ragged row',
      'c.csv',
      'id,question\na,b\nb,c,d\n',
      'evals/c.csv:3:1 this line has 3 fields, but the header has 2',
    ],
    ['CSV: an open quote', 'c.csv', 'id,question\na,"b\n', 'evals/c.csv:2:1 the CSV cannot be read: quote not closed'],
    ['CSV: no column id', 'c.csv', 'idd,question\na,b\n', 'evals/c.csv:1:1 the header has no column "id"'],
    [
      'CSV: a column twice',
      'c.csv',
      'id,question,vars.question\na,b,c\n',
      'evals/c.csv:1:1 the column "question" stands twice in the header',
    ],
    [
      'CSV: a column without name',
      'c.csv',
      'id,question,\na,b,\n',
      'evals/c.csv:1:1 column 3 of the header has no name',
    ],
    [
      'CSV: only a header',
      'c.csv',
      'id,question\n',
      'evals/c.csv:1:1 the file holds no cases; a header with a case a line below it was expected',
    ],
    [
      'CSV: an unknown assertion',
      'c.csv',
      'id,question,assert\na,"b\nb",\nc,d,{contain: x}\n',
      'evals/c.csv:4:1 assert[0]: unknown assertion "contain"; did you mean "contains"?',
    ],
    [
      'CSV: broken YAML',
      'c.csv',
      'id,question,assert\nc,d,{contains\n',
      'evals/c.csv:2:1 column assert: expected YAML such as {contains: refund}',
    ],
    [
      'CSV: critical',
      'c.csv',
      'id,question,critical\nc,d,maybe\n',
      'evals/c.csv:2:1 column critical: expected true or false',
    ],
    [
      'CSV: a column that the prompt does not know',
      'c.csv',
      'id,question,tone\nc,d,warm\n',
      'evals/c.csv:2:1 case c gives variable "tone" that prompt support/answer@1.2.0 does not use',
    ],
  ])('%s', async (_, name, content, expected) => {
    expect(await problemsOf(from(name, content))).toEqual([expected])
  })
})

describe('checkProject', () => {
  it('gathers the problems of all files, also of prompts that nobody uses', async () => {
    const cwd = folderWith({
      ...goodFiles,
      'evals/broken.suite.yaml': 'suite: broken\n',
      'evals/second.suite.yaml': goodSuite
        .replace('suite: support', 'suite: second')
        .replace('model: main', 'model: nobody'),
      'evals/third.suite.yaml': goodSuite,
      'prompts/support/answer/2.0.0.md': goodPrompt.replace('{{ question }}', '{{ question'),
    })
    const { suites, problems } = await checkProject(await loadProject({ cwd }))
    expect(suites.map(({ file }) => file)).toEqual([SUITE, 'evals/third.suite.yaml'])
    expect(problems.map(oneLine)).toEqual([
      'evals/broken.suite.yaml:1:1 missing required key "version"',
      'evals/broken.suite.yaml:1:1 missing required key "target"',
      `evals/third.suite.yaml:1:8 the suite name "support" is used twice, first in ${SUITE}`,
      'evals/second.suite.yaml:3:47 target.model: unknown model "nobody"',
      'prompts/support/answer/2.0.0.md:3:10 version is "1.2.0", but the path says "2.0.0"',
      'prompts/support/answer/2.0.0.md:10:1 the template cannot be read: output "{{ question" not closed',
    ])
    expect(problems.every(({ more }) => more.length === 0)).toBe(true)
  })

  it('finds nothing in a good project', async () => {
    const { suites, problems } = await checkProject(await loadProject({ cwd: folderWith(goodFiles) }))
    expect([suites.length, problems]).toEqual([1, []])
  })

  it('stops listing after 50 problems', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `c${i},x,y`).join('\n')
    const suite = goodSuite.replace('cases:', 'cases_from: [c.csv]\ncases:')
    const problems = await problemsOf(load({ [SUITE]: suite, 'evals/c.csv': `id,question,tone\n${rows}\n` }))
    expect(problems).toHaveLength(51)
    expect(problems.at(-1)).toBe('… and 10 more problems')
  })
})

describe('code frames', () => {
  it('keep the caret under the place in a very long line', () => {
    const long = `${'a'.repeat(5000)}X${'b'.repeat(5000)}`
    const [line, caret] = codeFrame(long, 1, 5001).split('\n')
    expect(line!.length).toBeLessThan(140)
    expect(line![caret!.indexOf('^')]).toBe('X')
  })
  it('cannot move the cursor of a terminal', () => {
    expect(codeFrame('a\u001B[2Jb\tc', 1, 1)).toBe('>   1 | a·[2Jb→c\n      | ^')
  })
})
