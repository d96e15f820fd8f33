// Names that aigate accepts, made of the names of others, and each only once.

const LONGEST = 48

/** A name of letters, digits, ".", "_" and "-"; `fallback` where nothing is left of the text. */
export function slug(text: string, fallback: string): string {
  const plain = text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/-{2,}/g, '-')
    .slice(0, LONGEST)
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
  return plain === '' ? fallback : plain
}

/** Gives every name out once: the second "a" is "a-2". */
export function onceOnly(): (name: string) => string {
  const given = new Set<string>()
  const next = new Map<string, number>()
  return (name) => {
    let once = name
    for (let n = next.get(name) ?? 2; given.has(once); n++) {
      once = `${name}-${n}`
      next.set(name, n + 1)
    }
    given.add(once)
    return once
  }
}
