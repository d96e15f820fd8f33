// Sets one member of an object in a JSON text and leaves every other byte as it is.

/** A member of an object in a text: its name and where its value lies. */
type Member = { key: string; from: number; to: number }
type Layout = { open: number; close: number; members: Member[] }

/**
 * Sets `path` to `value` in a valid JSON text whose root is an object; objects that the path lacks are made.
 * Indentation and line ends are those of the text; where the value is there already, the text comes back unchanged.
 * Throws TypeError where a part of the path is no object.
 */
export function setMember(text: string, path: readonly string[], value: unknown): string {
  let at = skipSpace(text, 0)
  for (const [depth, key] of path.entries()) {
    if (text[at] !== '{') throw new TypeError(`${['', ...path.slice(0, depth)].join('/') || 'the root'} is no object`)
    const layout = membersOf(text, at)
    // Of two members with one name JSON.parse takes the last.
    const found = layout.members.findLast((member) => member.key === key)
    const rest = path.slice(depth + 1)
    if (!found) {
      const nested = rest.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
      return insert(text, layout, { key, value: nested, depth })
    }
    if (rest.length === 0) return replace(text, found, value, depth)
    at = found.from
  }
  return text
}

function replace(text: string, { from, to }: Member, value: unknown, depth: number): string {
  const old = text.slice(from, to)
  if (JSON.stringify(JSON.parse(old)) === JSON.stringify(value)) return text
  const wide = old.includes('\n') || !/^[[{]/.test(old)
  return text.slice(0, from) + (wide ? pretty(text, value, depth + 1) : JSON.stringify(value)) + text.slice(to)
}

function insert(text: string, layout: Layout, added: { key: string; value: unknown; depth: number }): string {
  const { open, close, members } = layout
  const last = members.at(-1)
  const wide = text.includes('\n') || members.length === 0
  const key = JSON.stringify(added.key)
  if (!wide)
    return `${text.slice(0, last?.to ?? open + 1)}${last ? ',' : ''}${key}:${JSON.stringify(added.value)}${text.slice(last?.to ?? open + 1)}`
  const { indent, newline } = styleOf(text)
  const line = `${newline}${indent.repeat(added.depth + 1)}${key}: ${pretty(text, added.value, added.depth + 1)}`
  if (last) return `${text.slice(0, last.to)},${line}${text.slice(last.to)}`
  return `${text.slice(0, open + 1)}${line}${newline}${indent.repeat(added.depth)}${text.slice(close)}`
}

function styleOf(text: string): { indent: string; newline: string } {
  return { indent: /\n([ \t]+)"/.exec(text)?.[1] ?? '  ', newline: text.includes('\r\n') ? '\r\n' : '\n' }
}

function pretty(text: string, value: unknown, depth: number): string {
  const { indent, newline } = styleOf(text)
  return JSON.stringify(value, null, indent).replaceAll('\n', newline + indent.repeat(depth))
}

/** The members of the object that opens at `open`. The text is valid JSON: that was parsed before. */
function membersOf(text: string, open: number): Layout {
  const members: Member[] = []
  let at = skipSpace(text, open + 1)
  while (text[at] === '"') {
    const end = skipString(text, at)
    const key = JSON.parse(text.slice(at, end)) as string
    const from = skipSpace(text, skipSpace(text, end) + 1)
    const to = skipValue(text, from)
    members.push({ key, from, to })
    at = skipSpace(text, to)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return { open, close: at, members }
}

function skipSpace(text: string, at: number): number {
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at++
  return at
}

function skipString(text: string, at: number): number {
  for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++
  return at + 1
}

function skipValue(text: string, at: number): number {
  let depth = 0
  for (; at < text.length; at++) {
    const sign = text.charAt(at)
    if (sign === '"') at = skipString(text, at) - 1
    else if (sign === '{' || sign === '[') depth++
    else if (sign === '}' || sign === ']') depth--
    else if (depth === 0 && !',: \t\r\n'.includes(sign)) {
      while (at + 1 < text.length && !',]} \t\r\n'.includes(text.charAt(at + 1))) at++
    }
    if (depth === 0) return at + 1
  }
  return at
}
