// Regular expressions that can take exponential time: repeats of repeats that match the same text in many ways.

type Item = { empty: boolean; unbounded: boolean }
type Group = { start: number; looks: boolean; branches: Item[][] }

const quantifier = /(?:[*+]|\{(\d+),?(\d*)\})\??|\?\??/y

/** What a quantifier at this place means, and where it ends. */
function readQuantifier(source: string, at: number) {
  quantifier.lastIndex = at
  const match = quantifier.exec(source)
  if (!match) return { end: at, empty: false, unbounded: false }
  const [text, low, high] = match
  const open = text.includes(',') && high === ''
  return {
    end: at + text.length,
    empty: text.startsWith('*') || text.startsWith('?') || low === '0',
    unbounded: text.startsWith('*') || text.startsWith('+') || open,
  }
}

/** Where an atom that is no group ends: an escape, a class or one character. */
function atomEnd(source: string, at: number): number {
  const atom = /\\(?:[pPu]\{[^}]*\}|k<[^>]*>|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|[^])|\[(?:\\[^]|[^\]\\])*\]|[^]/y
  atom.lastIndex = at
  return at + (atom.exec(source)?.[0].length ?? 1)
}

/** A branch that is one unbounded repeat beside nothing but optional parts: repeated, a^n divides in 2^(n-1) ways. */
const ambiguous = (branch: readonly Item[]) =>
  branch.some((item) => item.unbounded && branch.every((other) => other === item || other.empty))

/**
 * Finds a group such as `(a+)+`, `(\w+\s?)*` or `(x*|y)+`: repeated without bound, and in one of its branches an unbounded
 * repeat stands alone or beside optional parts only. Such a group is ambiguous for certain; backtracking over it takes time that
 * doubles with every character. Other slow expressions (`(a|a)*`, `.*.*x`) are not found.
 * Takes the source of a valid expression; returns the group, or null.
 */
export function ambiguousRepeat(source: string): string | null {
  const open: Group[] = [{ start: 0, looks: false, branches: [[]] }]
  let at = 0
  while (at < source.length) {
    const top = open.at(-1)
    if (!top) return null
    const char = source[at]
    if (char === '(') {
      const head = /\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?/y
      head.lastIndex = at
      const text = head.exec(source)?.[0] ?? '('
      open.push({ start: at, looks: /^\(\?(?:<?[=!])/.test(text), branches: [[]] })
      at += text.length
      continue
    }
    if (char === '|') {
      top.branches.push([])
      at += 1
      continue
    }
    const closes = char === ')' && open.length > 1
    const after = closes ? at + 1 : atomEnd(source, at)
    const found = readQuantifier(source, after)
    if (closes) open.pop()
    if (closes && !top.looks && found.unbounded && top.branches.some(ambiguous))
      return source.slice(top.start, found.end)
    const zeroWidth = closes ? top.looks : char === '^' || char === '$' || /^\\[bB]$/.test(source.slice(at, after))
    const blank = closes && top.branches.some((branch) => branch.every(({ empty }) => empty))
    const repeats = found.unbounded || (closes && top.branches.some(ambiguous))
    open
      .at(-1)
      ?.branches.at(-1)
      ?.push({ empty: found.empty || blank || zeroWidth, unbounded: repeats && !zeroWidth })
    at = found.end
  }
  return null
}
