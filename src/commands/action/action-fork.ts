// What the code of a fork could do where secrets are: run, send a key elsewhere, have a file read, spend.
import { realpath } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import { oneLine } from '../../report/safe-text.ts'
import { providerKey } from '../../run/address.ts'
import { providersOf } from '../../run/needed-keys.ts'
import { Config, type ProviderConfig } from '../../schema/config.ts'
import { assertionsOf } from '../../schema/suite.ts'
import { baseCommit } from '../../store/base-commit.ts'
import { fileAt, git, line } from '../../store/git-objects.ts'

type Env = Context['env']

/** Where a suite runs code that the change brings along: as its target, as a grader of any turn, or as a live tool. */
export function codeHazards(suites: readonly LoadedSuite[]): string[] {
  return suites.flatMap(({ suite, target, cases }) => {
    const graders = cases.flatMap(({ case: one }) => assertionsOf(one).map(({ type }) => `assertion ${type}`))
    const tools = cases.flatMap(({ case: one }) =>
      Object.entries(one.tools ?? {}).flatMap(([name, tool]) => ('results' in tool ? [] : [`tool ${name}`])),
    )
    const own = target.kind === 'command' || target.kind === 'module' ? [`target ${target.kind}`] : []
    const runs = [...own, ...graders.filter((one) => /^assertion (?:command|module)$/.test(one)), ...tools]
    return [...new Set(runs)].map((what) => `suite ${suite.suite} runs code of this change (${what})`)
  })
}

/** Where a key would be sent to another address than the base sends it to. */
export function addressHazards(suites: readonly LoadedSuite[], base: Config | undefined): string[] {
  return suites.flatMap((loaded) => {
    const { suite, target } = loaded
    const asked =
      target.kind === 'http' ? [`suite ${suite.suite} asks an address that this change names (target http)`] : []
    const others = providersOf(loaded).flatMap(({ name, config }) => {
      const before = base?.providers[name]
      const same = before && providerKey(before) === providerKey(config) && keyOf(before) === keyOf(config)
      return same ? [] : [`provider ${name} of suite ${suite.suite} is not the one that the base has`]
    })
    return [...asked, ...others]
  })
}

const keyOf = (config: ProviderConfig) => (config.type === 'openai' ? config.api_key_env : config.of?.api_key_env)

/** The configuration as the base has it; undefined where it has none, or one that cannot be read. */
export async function baseConfig(
  project: Project,
  options: { env: Env; ref: string | undefined },
): Promise<Config | undefined> {
  const base = await baseCommit(project.root, options)
  const text = base && (await fileAt(project.root, base.commit, basename(project.file)))
  if (!text) return undefined
  const { parse } = await import('yaml')
  try {
    return Config.safeParse(parse(text)).data
  } catch {
    return undefined
  }
}

/** The budget of the base as words of `aigate eval`: a fork spends no more than others may, whatever it writes down. */
export function budgetWords({ budget = {} }: Pick<Config, 'budget'>): string[] {
  const { max_cost_usd, max_calls, max_tokens, max_duration } = budget
  return [
    ...(max_cost_usd === undefined ? [] : [`--max-cost=${max_cost_usd}`]),
    ...(max_calls === undefined ? [] : [`--max-calls=${max_calls}`]),
    ...(max_tokens === undefined ? [] : [`--max-tokens=${max_tokens}`]),
    ...(max_duration === undefined ? [] : [`--max-duration=${max_duration}ms`]),
  ]
}

/** Links of the checkout that lead to files of the machine, or to what git itself keeps there. */
export async function linksOut(cwd: string): Promise<string[]> {
  const top = await line(cwd, ['rev-parse', '--show-toplevel'])
  if (top === null) return []
  const home = await realpath(top)
  const { bytes } = await git(top, ['ls-files', '--stage', '-z'])
  const links = bytes
    .toString('utf8')
    .split('\0')
    .flatMap((entry) => /^120000 \w+ \d\t([^]+)$/.exec(entry)?.[1] ?? [])
  const led: string[] = []
  for (const path of links) {
    const real = await realpath(join(top, path)).catch(() => home + sep)
    if (!`${real}${sep}`.startsWith(home + sep) || real.startsWith(join(home, '.git') + sep))
      led.push(`${oneLine(path, 80)} is a link that leads out of the repository`)
  }
  return led
}
