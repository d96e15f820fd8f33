// eval --changed: which suites differ from a base in anything that decides their verdict, and in what.
import type { LoadedSuite } from '../../ports.ts'
import { byText, counted } from '../words.ts'

/** What decides the verdict of a suite on one side. Hashes and other texts are only compared. */
export type SuiteState = {
  suite: LoadedSuite
  /** Who answers: the address, and the versions of components. */
  provider: string
  components: string
  /** By path; null: it cannot be told. */
  code: Readonly<Record<string, string>> | null
  /** By case: hash of the programs that grade it. */
  graders: ReadonlyMap<string, string>
  /** Models that judge or play users: where they are asked, how often, and what is known of them; null: there are none. */
  models: string | null
  baseline: string | null
  quarantine: string
  /** Of recorded answers, where they are what answers. */
  recordings: string | null
}

/** `differs`: what of `lookedAt`, in words; none: the suite is as the base has it. */
export type SuiteChange = { differs: string[]; lookedAt: string[] }

/** Compares a suite with what the base has of it. */
export function suiteChange(head: SuiteState, base: SuiteState): SuiteChange {
  const parts = partsOf(head, base)
  const differs = parts.flatMap(({ word, differs: yes, which = [] }) => (yes ? [named(word, which)] : []))
  return { differs, lookedAt: parts.map(({ word }) => word) }
}

const named = (word: string, which: readonly string[]): string =>
  which.length === 0 ? word : `${word} (${which.slice(0, 3).join(', ')}${which.length > 3 ? ` and ${counted(which.length - 3, 'other')}` : ''})` // biome-ignore format: one line

type Part = { word: string; differs: boolean; which?: string[] }

function partsOf(head: SuiteState, base: SuiteState): Part[] {
  const compare = (word: string, of: (state: SuiteState) => unknown): Part => ({
    word,
    differs: text(of(head)) !== text(of(base)),
  })
  const each = (word: string, of: (state: SuiteState) => Readonly<Record<string, unknown>>): Part => {
    const [now, then] = [of(head), of(base)]
    const keys = [...new Set([...Object.keys(now), ...Object.keys(then)])]
    const which = keys.filter((key) => text(now[key] ?? null) !== text(then[key] ?? null)).sort(byText)
    return { word, differs: which.length > 0, which }
  }
  return [
    compare('suite', ({ suite: { suite } }) => [suite.version, suite.trials, suite.anchors ?? null]),
    each('cases and assertions', ({ suite: { cases } }) =>
      Object.fromEntries(
        cases.map(({ info: { id, hash, category, tags, critical } }) => [id, [hash, category ?? null, tags, critical]]),
      ),
    ),
    compare('policy', ({ suite: { policy } }) => policy),
    ...targetParts(compare, head),
    compare('components', ({ components }) => components),
    ...(Object.keys({ ...base.code, ...head.code }).length > 0 ? [each('code', ({ code }) => code ?? {})] : []),
    ...(head.graders.size + base.graders.size > 0
      ? [each('graders', ({ graders }) => Object.fromEntries(graders))]
      : []),
    ...(head.models !== null || base.models !== null
      ? [compare('judges and their calibration', ({ models }) => models)]
      : []),
    compare('baseline', ({ baseline }) => baseline),
    compare('quarantine list', ({ quarantine }) => quarantine),
    ...(head.recordings !== null || base.recordings !== null
      ? [compare('recordings', ({ recordings }) => recordings)]
      : []),
  ]
}

function targetParts(compare: (word: string, of: (state: SuiteState) => unknown) => Part, head: SuiteState): Part[] {
  const provider = compare('provider', (state) => state.provider)
  if (head.suite.target.kind !== 'prompt') return [compare('target', ({ suite: { suite } }) => suite.target), provider]
  const of = <T>(state: SuiteState, pick: (target: PromptTarget) => T) =>
    state.suite.target.kind === 'prompt' ? pick(state.suite.target) : null
  return [
    compare('prompt', (state) => of(state, ({ prompt }) => [prompt.name, prompt.version, prompt.hash])),
    compare('model', (state) => of(state, ({ model: { name, pin }, params, tools, response_format }) => [name, pin, params, tools ?? null, response_format ?? null])),
    provider,
  ] // biome-ignore format: one line a part
}

type PromptTarget = Extract<LoadedSuite['target'], { kind: 'prompt' }>

/** JSON whose keys are sorted, so that their order does not count. */
function text(value: unknown): string {
  return JSON.stringify(value ?? null, (_key, inner: unknown) =>
    typeof inner !== 'object' || inner === null || Array.isArray(inner)
      ? inner
      : Object.fromEntries(Object.entries(inner).sort(([a], [b]) => byText(a, b))),
  )
}
