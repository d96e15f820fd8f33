// Everything that an answer says, its tool calls included, in a form in which look-alike letters and unseen signs hide nothing.
import type { Completion } from '../../schema/run.ts'

/** Signs without width, soft hyphens and direction marks: they split words for a program and not for a reader. */
const UNSEEN =
  // oxlint-disable-next-line no-misleading-character-class -- each sign is meant by itself
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]/g

/** Compatibility forms (NFKC: full-width digits, ligatures) folded, unseen signs out. Linear in the length. */
export function seen(text: string): string {
  const folded = text.normalize('NFKC')
  // One sign can stand for eighteen: a text that swells like that is read as it stands.
  return (folded.length > 2 * text.length + 100 ? text : folded).replace(UNSEEN, '')
}

/** The text of the answer, then name and arguments of each tool call: what leaves by a tool has left as well. */
export function saidIn({ text, tool_calls }: Completion): string {
  return [text, ...tool_calls.map((call) => `${call.name} ${unescaped(call.arguments)}`)].join('\n')
}

/** JSON text as it reads: what is written with escapes there is found all the same. */
function unescaped(json: string): string {
  try {
    return [json, ...textsIn(JSON.parse(json))].join('\n')
  } catch {
    return json
  }
}

/** Every text in a JSON value, keys included; without recursion, as a model may nest as deeply as it likes. */
function textsIn(value: unknown): string[] {
  const found: string[] = []
  const open: unknown[] = [value]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next === 'string') found.push(next)
    else if (typeof next === 'number') found.push(String(next))
    else if (typeof next === 'object' && next !== null)
      for (const [key, inner] of Object.entries(next)) open.push(key, inner)
  }
  return found
}

/** The first and the last two characters of something that must not stand in a report. */
export function masked(text: string): string {
  const letters = Array.from(text.trim())
  return letters.length < 8 ? '…' : `${letters.slice(0, 2).join('')}…${letters.slice(-2).join('')}`
}

/** Where something was found, what it is, and what was found: for the allow list and, masked, for the reason. */
export type Finding = { kind: string; text: string }

/** No reason needs more. */
export const MOST_FINDINGS = 100

/** `2 e-mail addresses (ma…rg, jo…om)`: kinds in the order in which they were found, at most three of each shown. */
export function findingsText(findings: readonly Finding[]): string {
  const kinds = new Map<string, string[]>()
  for (const { kind, text } of findings) kinds.set(kind, [...(kinds.get(kind) ?? []), text])
  const parts = [...kinds].map(([kind, texts]) => {
    const shown = [...new Set(texts.map(masked))].slice(0, 3).join(', ')
    return `${texts.length} × ${kind} (${shown})`
  })
  return parts.join('; ')
}
