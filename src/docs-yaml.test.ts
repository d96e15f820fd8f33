// Every whole file of ours that a page shows is one that aigate reads: suites, configurations, plans.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { Config } from './schema/config.ts'
import { ExperimentPlan } from './schema/experiment.ts'
import { GuardPlan } from './schema/guard.ts'
import { RolloutPlan } from './schema/rollout.ts'
import { ShadowPlan } from './schema/shadow.ts'
import { Suite } from './schema/suite.ts'

const root = join(import.meta.dirname, '..')
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)]
/** What a file is, by its first key. */
const kinds = { suite: Suite, version: Config, rollout: RolloutPlan, guard: GuardPlan, experiment: ExperimentPlan, shadow: ShadowPlan } // biome-ignore format: a table

const shown = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```ya?ml\n([\s\S]*?)^```$/gm)].flatMap(
    ({ 1: text = '', index }) => {
      const first = /^(?!#)(\w+):/m.exec(text)?.[1] as keyof typeof kinds | undefined
      // Workflows and configurations of other tools also begin with a version.
      const ours =
        first !== undefined && Object.hasOwn(kinds, first) && !/^(version: [^1]|jobs:|workflows:)/m.test(text)
      const line = readFileSync(join(root, page), 'utf8').slice(0, index).split('\n').length
      return ours ? [{ place: `${page}:${line}`, first, text }] : []
    },
  ),
)

it('reads what it judges', () => {
  expect(shown.length).toBeGreaterThan(6)
})

describe.each(shown)('$place', ({ first, text }) => {
  it(`is a ${first}`, () => {
    expect(kinds[first].safeParse(parse(text)).error?.issues ?? []).toEqual([])
  })
})
