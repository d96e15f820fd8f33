// What a reader does not see: control sequences for a terminal, tag characters that carry text, marks that turn the direction.
import type { Finding } from './said.ts'

/** Escape sequences (ECMA-48) and other control characters than tab and line ends. */
export function terminalControls(text: string): Finding[] {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  const found = /[\u001b\u009b][\u0020-\u007e]{0,20}|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.exec(text)
  return found ? [{ kind: 'control sequence for a terminal', text: JSON.stringify(found[0]) }] : []
}

/** Flags of regions are written with tag characters behind a black flag; these are none of ours. */
const FLAG = /\u{1f3f4}[\u{e0020}-\u{e007e}]{1,6}\u{e007f}/gu

/** Text in tag characters (U+E0000), in variation selectors, in long runs of zero-width signs; overridden direction. */
export function hiddenText(text: string): Finding[] {
  const found: Finding[] = []
  const tags = [...text.replace(FLAG, '').matchAll(/[\u{e0000}-\u{e007f}]+/gu)].map(([run]) => run).join('')
  if (tags !== '') {
    const said = Array.from(tags)
      .map((sign) => String.fromCodePoint((sign.codePointAt(0) ?? 0xe0020) - 0xe0000))
      .join('')
    found.push({ kind: 'text in tag characters', text: said })
  }
  const selectors = /[\u{e0100}-\u{e01ef}]{4,}|[\ufe00-\ufe0f]{4,}/u.exec(text)
  if (selectors) found.push({ kind: 'text in variation selectors', text: `${selectors[0].length} signs` })
  // oxlint-disable-next-line no-misleading-character-class -- each sign is meant by itself
  const zero = /[\u200b\u200c\u200d\u2060\ufeff]{8,}/.exec(text)
  if (zero) found.push({ kind: 'text in signs without width', text: `${zero[0].length} signs` })
  if (/[\u202d\u202e]/.test(text)) found.push({ kind: 'direction overridden', text: 'U+202D or U+202E' })
  return found
}
