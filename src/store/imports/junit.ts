// JUnit XML, as pytest, vitest, DeepEval (through pytest) and many others write it.
import type { X2jOptions } from 'fast-xml-parser'
import {
  badResults,
  type Content,
  type Data,
  data,
  type ForeignTrial,
  type FormatReader,
  isData,
  isoDate,
  list,
  notRun,
  shown,
  text,
} from './foreign.ts'

const options: X2jOptions = {
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#',
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: true,
  htmlEntities: false,
  isArray: (name) => ['testsuite', 'testcase', 'failure', 'error', 'skipped', 'flakyFailure', 'flakyError', 'rerunFailure', 'rerunError'].includes(name),
} // biome-ignore format: names in one line

export const junit: FormatReader = {
  what: 'JUnit XML (pytest, vitest, DeepEval)',
  matches: (content) => content.kind === 'xml' && /<testsuites?[\s>/]/.test(content.text.slice(0, 4096)),
  async read(content, { file }) {
    const suites = await suitesOf(content, file)
    const cases = suites.flatMap((suite) => list(suite.testcase).map(data))
    const repeats = repeatNames(cases)
    const trials = cases.map((one) => trialOf(one, repeats))
    const skipped = cases.filter(isSkipped).length
    const first = suites.find((suite) => text(suite['@timestamp']) !== undefined)
    return {
      label: text(suites[0]?.['@name']) ?? 'tests',
      target: null,
      tool: 'junit',
      started_at: isoDate(withZone(text(first?.['@timestamp']))),
      trials,
      notes: [
        ...(skipped > 0
          ? [`${skipped} skipped tests were not measured; they count where the baseline or the suite has them.`]
          : []),
        ...(repeats.size > 0
          ? [`Names ending in a repeat such as [1-${repeats.values().next().value?.n}] are trials of one case.`]
          : []),
      ],
    }
  },
}

/** The schema leaves the zone out; without one it is taken as UTC, so that the same file reads the same everywhere. */
const withZone = (time: string | undefined) => (time !== undefined && /T[\d:.]+$/.test(time) ? `${time}Z` : time)

/** All suites, those inside of others too. A document type is refused: JUnit has none, and entities are how XML attacks. */
async function suitesOf(content: Content, file: string): Promise<Data[]> {
  const xml = content.kind === 'xml' ? content.text : ''
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml)) {
    throw badResults(
      file,
      'The XML declares a document type or entities, which no JUnit file needs.',
      'Remove the declaration.',
    )
  }
  const { XMLParser, XMLValidator } = await import('fast-xml-parser')
  const valid = XMLValidator.validate(xml)
  if (valid !== true) {
    throw badResults(
      file,
      `The XML is broken: ${valid.err.msg}`,
      'Make the file again; it may have been cut off.',
      valid.err.line,
    )
  }
  const document = data(new XMLParser(options).parse(xml))
  const inside = (suite: Data): Data[] => [suite, ...list(suite.testsuite).filter(isData).flatMap(inside)]
  return [...list(document.testsuite), ...list(data(document.testsuites).testsuite)].filter(isData).flatMap(inside)
}

/** `[2-3]`, `[2-3-param]` and `[param-2-3]`: the second of three repeats, as pytest-repeat names them. */
function repeatOf(name: string): { base: string; k: number; n: number } | undefined {
  const found = /^(.*\[)(\d+)-(\d+)(?:-(.*))?\]$/s.exec(name) ?? undefined
  const last = found ? undefined : (/^(.*\[.*)-(\d+)-(\d+)\]$/s.exec(name) ?? undefined)
  const [, before = '', k, n, after] = found ?? last ?? []
  const [step, of] = [Number(k), Number(n)]
  if (!(step >= 1 && of >= 2 && step <= of)) return undefined
  return { base: `${before}${after ?? ''}]`.replace(/\[\]$/, ''), k: step, n: of }
}

/**
 * The names that are repeats: only where all of 1 to n are there, and nothing but them. Parameters that merely look like
 * it (a grid of numbers) lead to several n under one name, and are left alone.
 */
function repeatNames(cases: readonly Data[]): Map<string, { base: string; n: number }> {
  const groups = new Map<string, { name: string; base: string; k: number; n: number }[]>()
  for (const one of cases) {
    const name = fullName(one)
    const found = repeatOf(name)
    if (found) groups.set(found.base, [...(groups.get(found.base) ?? []), { name, ...found }])
  }
  const names = new Map<string, { base: string; n: number }>()
  for (const [base, group] of groups) {
    const [{ n } = { n: 0 }] = group
    const steps = new Set(group.map(({ k }) => k))
    if (group.every((one) => one.n === n) && steps.size === n)
      for (const { name } of group) names.set(name, { base, n })
  }
  return names
}

const fullName = (one: Data): string => {
  const [group, name] = [text(one['@classname']), text(one['@name']) ?? 'unnamed']
  return group === undefined || group === name ? name : `${group}::${name}`
}

const isSkipped = (one: Data): boolean => Array.isArray(one.skipped)

/** A skipped test was not measured. A test that was run again after a failure counts as it ended the first time. */
function trialOf(one: Data, repeats: ReadonlyMap<string, { base: string }>): ForeignTrial {
  const full = fullName(one)
  const id = repeats.get(full)?.base ?? full
  const base = { id, content: { test: id }, category: text(one['@classname']) }
  if (isSkipped(one)) return { ...base, ...notRun('the test was skipped') }
  const seconds = Number(one['@time'] ?? Number.NaN)
  const said = (tag: string) => list(one[tag]).map(sayOf)
  const [error] = [...said('error'), ...said('flakyError')]
  const [failure] = [...said('failure'), ...said('flakyFailure')]
  return {
    ...base,
    latency_ms: seconds >= 0 ? seconds * 1000 : undefined,
    ...(error !== undefined
      ? { passed: null, score: null, error: { kind: 'command_failed', message: error } }
      : { passed: failure === undefined, score: failure === undefined ? 1 : 0, scores: scoreOf(failure) }),
  }
}

function scoreOf(failure: string | undefined) {
  const passed = failure === undefined
  return [
    { assertion: 'test', passed, score: passed ? 1 : 0, weight: 1, reason: failure ?? 'passed', deterministic: false },
  ]
}

/** The message of a failure: its attribute, or else the first line of its text. */
function sayOf(element: unknown): string {
  const message = isData(element) ? (text(element['@message']) ?? shown(element['#'])) : shown(element)
  return message.trim() === '' ? 'no message' : message.trim()
}
