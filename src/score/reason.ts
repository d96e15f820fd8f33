// How reasons are worded: short, on one line, free of control characters.

const longest = 120

/** Text on one line: white space runs become one space, control, format and broken characters go. */
export function oneLine(text: string): string {
  // Most texts are; the expressions below take longer.
  if (/^[ -~]*$/.test(text) && !text.includes('  ')) return text
  return text
    .replace(/[\s\u0085\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .replace(/\p{Cs}/gu, '\u{fffd}')
}

/** At most `max` characters on one line; what is cut off shows as an ellipsis. Only the beginning of the text is read. */
export function shorten(text: string, max = longest): string {
  const line = oneLine(text.slice(0, max * 4))
  const whole = text.length <= max * 4 && line.length <= max
  return whole ? line : `${line.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** A text in quotation marks; an empty one is named. */
export function quote(text: string): string {
  return text.trim() === '' ? 'nothing' : `"${shorten(text.trim())}"`
}

/** A JSON value as people write it, shortened. */
export const show = (value: unknown): string => shorten(JSON.stringify(value) ?? 'nothing')

/** Several texts in one phrase: the first three, and how many more there are. */
export function list(texts: readonly string[], joint: 'and' | 'or' = 'and'): string {
  const shown = texts.slice(0, 3)
  const rest = texts.length - shown.length
  const last = rest > 0 ? `${rest} more` : shown.pop()
  return shown.length > 0 ? `${shown.join(', ')} ${joint} ${last}` : `${last}`
}
