// Who answers: the identity of a provider without its secrets, and the place that a target is asked at.
import { isAbsolute, relative, resolve, sep } from 'node:path'
import type { LoadedSuite } from '../ports.ts'
import type { OpenAiProvider, ProviderConfig } from '../schema/config.ts'
import type { ProviderIdentity } from '../schema/run.ts'
import { contentHash } from '../content-hash.ts'
import { redactor } from './redact.ts'

/** Who is behind a provider: recorded answers have the address of the provider that --record asks. */
export function providerIdentity(config: ProviderConfig): ProviderIdentity {
  const asked = addressed(config)
  return {
    type: config.type,
    ...(asked && { base_url: shownUrl(asked.base_url) }),
    ...(asked?.api_version !== undefined && { api_version: asked.api_version }),
    headers: Object.keys(asked?.headers ?? {})
      .map((name) => name.toLowerCase())
      .sort(),
  }
}

const addressed = (config: ProviderConfig): OpenAiProvider | undefined =>
  config.type === 'replay' ? config.of : config

/** Without user, password, values of the query, and what looks like a key. */
function shownUrl(url: string): string {
  if (!URL.canParse(url)) return url
  const { protocol, host, pathname, searchParams } = new URL(url)
  const query = [...new Set(searchParams.keys())].sort().join('&')
  return redactor({}, [])(`${protocol}//${host}${pathname}`) + (query === '' ? '' : `?${query}`)
}

/** Content hash (hex) of who is asked, values of headers included as they are written; it is compared and never stored. */
export function providerKey(config: ProviderConfig): string {
  const { base_url, api_version, headers } = addressed(config) ?? {}
  return contentHash({ type: config.type, base_url, api_version, headers })
}

/** true for recordings and addresses of this machine: whoever writes a change can make them answer anything. */
export function isHomemade(config: ProviderConfig): boolean {
  if (config.type === 'replay') return true
  if (!URL.canParse(config.base_url)) return false
  return /^(localhost|.*\.localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\])$/.test(new URL(config.base_url).hostname)
}

/** Where a target is asked: `at` for people and without secrets, `key` to compare with. */
export type Address = { kind: LoadedSuite['target']['kind']; at: string; key: string; homemade: boolean }

/** The address of a model that grades, or plays a user. */
export function graderAddress({ name, config }: { name: string; config: ProviderConfig }): GraderAddress {
  const { type, base_url } = providerIdentity(config)
  const at = `provider ${name} (${[type, base_url].filter((part) => part !== undefined).join(' ')})`
  return { at, key: providerKey(config), homemade: isHomemade(config) }
}
export type GraderAddress = Omit<Address, 'kind'>

/** The address of a suite's target. Programs and modules are told by their place in the project at `root`. */
export function addressOf({ target, dir }: Pick<LoadedSuite, 'target' | 'dir'>, root: string): Address {
  const { kind } = target
  const folder = inside(root, dir)
  const made = (at: string, of: unknown, homemade = false): Address => ({ kind, at, key: contentHash(of), homemade })
  if (target.kind === 'prompt') {
    const { name, config } = target.provider
    const { type, base_url } = providerIdentity(config)
    const at = `a prompt at provider ${name} (${[type, base_url].filter((part) => part !== undefined).join(' ')})`
    return { kind, at, key: providerKey(config), homemade: isHomemade(config) }
  }
  if (target.kind === 'module') {
    const { module, export: name } = target.target
    const path = inside(root, resolve(dir, module))
    return made(`module ${path}${name === 'default' ? '' : `#${name}`}`, { path, name })
  }
  if (target.kind === 'http') {
    const { url, method, headers } = target.target.http
    return made(`${method} ${shownTemplate(url)}`, { url, method, headers })
  }
  const { command } = target.target
  const words = redactor({}, [])(command.join(' '))
  return made(`command ${words}${folder === '' ? '' : ` in ${folder}`}`, { command, folder })
}

/** As `shownUrl`, for an address that may hold templates. */
const shownTemplate = (url: string): string =>
  redactor({}, [])(url.replace(/^([a-z+.-]+:\/\/)[^/?#]*@/i, '$1').replace(/\?.*$/s, '?…'))

function inside(root: string, path: string): string {
  const way = isAbsolute(path) ? relative(root, path) : path
  return way.split(sep).join('/')
}
