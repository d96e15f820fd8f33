// Takes secrets of the environment out of what programs and servers said, before anybody sees or keeps it.

const HIDDEN = '[redacted]'
/** Shorter values would tear ordinary words. */
const LEAST = 6
/** Names of variables whose values are secrets. */
const SECRET_NAME = /key|token|secret|pass|credential|auth|webhook|dsn/i

export const isSecretName = (name: string): boolean => SECRET_NAME.test(name)

type Env = Readonly<Record<string, string | undefined>>

/** The values of all variables that are named like secrets. */
function namedSecrets(env: Env): string[] {
  return Object.entries(env).flatMap(([name, value]) => (value !== undefined && isSecretName(name) ? [value] : []))
}

/**
 * The parts of an address that give it away when they are echoed: the whole, path and query, long segments of the path and
 * values of the query, as written and decoded. Nothing for what is no address.
 */
export function partsOfAddress(address: string): string[] {
  if (!URL.canParse(address)) return []
  const { pathname, search, searchParams, username, password } = new URL(address)
  const path = pathname + search
  const segments = pathname.split('/').filter(({ length }) => length >= LEAST)
  const all = [address, path, pathname, ...segments, ...searchParams.values(), username, password]
  return all.flatMap((part) => [part, decoded(part)])
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * `text` without the values of variables that are named like secrets, without `more` values, credentials in addresses and what
 * follows `Bearer` or `Basic`. Values under 6 characters stay: they would tear ordinary words.
 */
export function withoutSecrets(text: string, env: Env, more: readonly string[] = []): string {
  const values = [...namedSecrets(env), ...more].map((value) => value.trim())
  const secrets = [...new Set(values)].filter(({ length }) => length >= LEAST)
  return secrets
    .toSorted((a, b) => b.length - a.length)
    .reduce((clean, secret) => clean.replaceAll(secret, HIDDEN), text)
    .replace(/:\/\/(?!git@)[^\s/@]+@/g, `://${HIDDEN}@`)
    .replace(/\b(Bearer|Basic)\s+[^\s"'),;]+/gi, `$1 ${HIDDEN}`)
}
