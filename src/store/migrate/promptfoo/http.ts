// promptfoo's http providers as applications that aigate asks: address, body and the place of the answer.
import { child, type Data, entries, isMap, type Job, leaveOthers, left, type Part, textOf } from '../parts.ts'
import { fromNunjucks } from '../templates/nunjucks.ts'
import { headersOf } from './providers.ts'

const secretName = /auth|key|token|secret|cookie|password/i
const known = ['url', 'method', 'headers', 'body', 'transformResponse', 'responseParser', 'maxRetries']

/**
 * The target of a suite. @param prompt the Liquid text that stands for `{{prompt}}`; undefined where the prompt is a chat
 * @returns undefined, with a note, where the request cannot be said
 */
export function httpTarget(job: Job, part: Part, prompt: string | undefined): Data | undefined {
  const config = child(part, 'config')
  leaveOthers(job, config, known)
  const id = textOf(child(part, 'id')) ?? ''
  const address = textOf(child(config, 'url')) ?? id
  if (child(config, 'request') !== undefined || !/^(https?:\/\/|\{\{)/.test(address)) {
    left(job, part, 'a request as raw text, or without an address: write the target by hand', id)
    return undefined
  }
  const fill: Fill = (at, text) => filledText(job, at, text, prompt)
  const url = fill(config ?? part, address)
  const body = bodyOf(job, child(config, 'body'), fill)
  if (url === undefined || body === unsaid) return undefined
  const method = (textOf(child(config, 'method')) ?? (body === undefined ? 'GET' : 'POST')).toUpperCase()
  const headers = { ...headersOf(job, child(config, 'headers')) }
  const target: Data = { url, method }
  if (Object.keys(headers).length > 0) target.headers = headers
  if (body !== undefined && method !== 'GET') target.body = body
  const answer = answerOf(job, child(config, 'transformResponse') ?? child(config, 'responseParser'))
  if (answer !== undefined) target.answer = answer
  return { http: target }
}

type Fill = (part: Part, text: string) => string | undefined
const unsaid = Symbol('unsaid')

function filledText(job: Job, part: Part, text: string, prompt: string | undefined): string | undefined {
  const environment = text.replaceAll(/\{\{\s*env\.(\w+)\s*\}\}/g, '${$1}')
  const asks = /\{\{\s*prompt\s*(?:\|\s*\w+\s*)?\}\}/
  if (asks.test(environment) && prompt === undefined) {
    left(job, part, 'a chat inside of a request: write the body by hand')
    return undefined
  }
  const liquid = fromNunjucks(environment.replaceAll(new RegExp(asks, 'g'), '\u0000'))
  if ('problem' in liquid) {
    left(job, part, `the template uses what Liquid cannot say: ${liquid.problem}`)
    return undefined
  }
  return liquid.text.replaceAll('\u0000', () => prompt ?? '')
}

function bodyOf(job: Job, part: Part | undefined, fill: Fill): unknown {
  if (part === undefined) return undefined
  if (typeof part.value === 'string') {
    const json = parsed(part.value)
    if (json === undefined) {
      left(job, part, 'a body that is no JSON: write it by hand')
      return unsaid
    }
    return deep({ ...part, value: json }, fill, job)
  }
  return deep(part, fill, job)
}

/** JSON with templates that stand alone (`{"q": {{prompt | dump}}}`) or inside of texts. */
function parsed(text: string): unknown {
  for (const one of [text, text.replaceAll(/(?<!["\w])\{\{\s*([\w.]+)\s*(?:\|\s*dump\s*)?\}\}(?!")/g, '"{{ $1 }}"')]) {
    try {
      return JSON.parse(one) as unknown
    } catch {
      // The next way of reading it.
    }
  }
  return undefined
}

function deep(part: Part, fill: Fill, job: Job): unknown {
  const { value } = part
  if (typeof value === 'string') return fill(part, value) ?? unsaid
  if (Array.isArray(value)) {
    const all = value.map((one: unknown) => deep({ ...part, value: one }, fill, job))
    return all.includes(unsaid) ? unsaid : all
  }
  if (!isMap(value)) return value
  const made: Data = {}
  for (const [name, one] of entries(part)) {
    if (secretName.test(name) && typeof one.value === 'string' && !one.value.includes('{{')) {
      left(job, part, 'it looks like a secret, which is never copied', `${name} of the body`)
      continue
    }
    const inner = deep({ ...part, value: one.value }, fill, job)
    if (inner === unsaid) return unsaid
    made[name] = inner
  }
  return made
}

/** The JSONPath of a transform such as `json.choices[0].message.content`. */
function answerOf(job: Job, part: Part | undefined): string | undefined {
  const code = textOf(part)?.trim()
  if (part === undefined || code === undefined || code === 'text') return undefined
  const path = /^(?:\(?\s*json\s*(?:,\s*\w+\s*)*\)?\s*=>\s*)?json((?:\.[A-Za-z_]\w*|\[\d+\]|\['[^'\\]+'\])*)$/.exec(
    code,
  )
  if (path !== null) return `$${path[1] ?? ''}`
  left(job, part, 'code that takes the answer out is never run: write `answer` as a JSONPath')
  return undefined
}
