// citations: every citation of the answer names a context that there is, and every quotation stands in one word for word.
import type { AssertionPlugin, Subject } from '../ports.ts'
import type { AssertionArgs } from '../schema/assertion.ts'
import { canonical } from './answer.ts'
import { list, quote, shorten } from './reason.ts'

type Args = Exclude<AssertionArgs<'citations'>, true>
type Source = { id?: string | undefined; text?: string | undefined }

const defaults: Args = { min: 1, pattern: '\\[([^\\[\\]]+)\\]', quotes: true }
/** Fewer words in quotation marks are a name or irony, and no quotation. */
const SHORTEST_QUOTE = 4

export const citations: AssertionPlugin<'citations'> = {
  deterministic: true,
  grade(written, subject) {
    const args = written === true ? defaults : written
    const sources = sourcesOf(args, subject)
    const answer = canonical(subject.completion.text)
    const cited = citedIn(answer, args.pattern)
    const quoted = args.quotes ? quotesIn(answer) : []
    const unknown = cited.filter((id) => !exists(id, sources))
    const texts = sources.map(({ text = '' }) => plain(text))
    const invented = quoted.filter((text) => !texts.some((source) => says(source, plain(text))))
    const all = cited.length + quoted.length
    const good = all - unknown.length - invented.length
    const enough = cited.length >= args.min
    const problems = [
      ...(enough ? [] : [`${cited.length} citations, at least ${args.min} expected`]),
      ...(unknown.length > 0
        ? [
            `no context ${list(
              unknown.map((id) => shorten(id)),
              'or',
            )}`,
          ]
        : []),
      ...(invented.length > 0 ? [`no context says ${list(invented.map(quote), 'or')}`] : []),
    ]
    const score = enough ? (all === 0 ? 1 : good / all) : 0
    const well = `${cited.length} citations and ${quoted.length} quotations, all of them in ${sources.length} contexts`
    return { score, passed: problems.length === 0, reason: problems.length === 0 ? well : problems.join('; ') }
  },
}

function sourcesOf({ context_from: from }: Args, { completion, case: { vars } }: Subject): Source[] {
  if (from === undefined) {
    if (completion.contexts) return completion.contexts
    throw new Error('there are no contexts to cite; the target must give `contexts`, or write context_from')
  }
  if (!Object.hasOwn(vars, from)) throw new Error(`the case has no variable "${from}" to take the contexts from`)
  return [vars[from]].flat().map((one): Source => {
    if (typeof one === 'string') return { text: one }
    const { id, text } = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>
    return {
      ...(typeof id === 'string' && { id }),
      text: typeof text === 'string' ? text : JSON.stringify(one),
    }
  })
}

/** `[2]` is one citation, `[1, 3]` and `[1][3]` are two. A Markdown link, `[text](address)`, is none. */
function citedIn(answer: string, pattern: string): string[] {
  const found = [...answer.matchAll(new RegExp(pattern, 'gu'))].filter(
    (match) => answer[match.index + match[0].length] !== '(',
  )
  return found.flatMap(([whole, group = whole]) => group.split(/[,;]/).map((id) => id.trim())).filter((id) => id !== '')
}

/** An id, or the number of a context, from 1; `^` and `doc ` before it are how people write it. */
function exists(id: string, sources: readonly Source[]): boolean {
  const bare = id.replace(/^\^/, '')
  if (sources.some((source) => source.id === bare)) return true
  return /^[1-9]\d{0,5}$/.test(bare) && Number(bare) <= sources.length
}

function quotesIn(answer: string): string[] {
  const found = answer.matchAll(/"([^"\n]{1,2000})"|“([^”\n]{1,2000})”|«([^»\n]{1,2000})»|„([^“”\n]{1,2000})[“”]/gu)
  return [...found]
    .map(([, ...groups]) => groups.find((group) => group !== undefined)?.trim() ?? '')
    .filter((text) => text.split(/\s+/).length >= SHORTEST_QUOTE)
}

/** Word for word; only the first letter may have become small or large where a sentence took the quotation in. */
const says = (source: string, quoted: string): boolean =>
  [quoted, quoted.charAt(0).toUpperCase() + quoted.slice(1), quoted.charAt(0).toLowerCase() + quoted.slice(1)].some(
    (form) => source.includes(form),
  )

/** White space and the shape of apostrophes never decide, nor does the stop that a sentence around a quotation adds. */
const plain = (text: string): string =>
  canonical(text).replace(/[‘’]/g, "'").replace(/\s+/g, ' ').replace(/[.,]$/, '').trim()
