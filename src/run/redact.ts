// Takes secrets out of text: the values of named environment variables in every shape they are echoed in, and what looks like a key.
import type { Config, OpenAiProvider } from '../schema/config.ts'
import type { Completion } from '../schema/run.ts'
import { withoutSecrets } from '../secrets.ts'

const REDACTED = '[redacted]'
/** Shorter values are only taken out as whole words: they would tear ordinary ones. */
const MIN_LENGTH = 8
/** Even shorter ones are only taken out where a key is expected. */
const MIN_WORD = 4

/**
 * Makes the function that takes secrets out of a text. Linear in the length of the text.
 * @param env where the values are
 * @param names the variables whose values are secret. Values under 8 characters are taken out after `Bearer` and the
 *   like, and as whole words from 4 characters on.
 * @param options `patterns: false` takes out only what belongs to these values, and of the short ones only words that
 *   mix letters with digits or signs: "test" or "none" as a key would change what an answer says. Use that on answers that are still to
 *   be graded: a case may well ask whether a model gives away something that looks like a key.
 */
export function redactor(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
  options: { patterns?: boolean } = {},
): (text: string) => string {
  const values = names.flatMap((name) => [env[name] ?? '', (env[name] ?? '').trim()])
  const secrets = [...new Set(values)].filter((value) => value.trim().length >= MIN_LENGTH)
  const forms = [...new Set(secrets.flatMap(formsOf))].toSorted((a, b) => b.length - a.length)
  const heads = secrets.flatMap(headOf)
  const short = [...new Set(values.map((value) => value.trim()))].filter(
    ({ length }) => length > 0 && length < MIN_LENGTH,
  )
  const shortOnes = short.toSorted((a, b) => b.length - a.length).map((value) => shortSecret(value, options))
  return (text) => {
    let clean = text
    for (const form of forms) clean = clean.replaceAll(form, REDACTED)
    // Masked ones first: without its head the end behind the mask would no longer be known for one.
    clean = redactMasked(clean, secrets)
    for (const head of heads) clean = clean.replace(head, REDACTED)
    for (const takeOut of shortOnes) clean = takeOut(clean)
    return options.patterns === false ? clean : redactPatterns(clean)
  }
}

/** Takes one short value out, where it can be nothing else or stands alone. */
function shortSecret(value: string, { patterns }: { patterns?: boolean }): (text: string) => string {
  const shapes = [...new Set(plainForms(value))].map((one) => one.replace(/[^\w]/g, '\\$&')).join('|')
  const lead = String.raw`\b(?:bearer|authorization|api[-_ ]?key(?: provided)?|access[-_]?token)["']?[\s:=]{1,4}["']?`
  const afterLead = new RegExp(String.raw`(${lead})(?:${shapes})(?!\w)`, 'gi')
  // In quoted JSON the letter before may belong to an escaped line break.
  const alone = new RegExp(String.raw`(?:(?<!\w)|(?<=\\[nrt]))(?:${shapes})(?!\w)`, 'g')
  const mixed = /[^A-Za-z]/.test(value) && /[^0-9]/.test(value)
  const asWord = value.length >= MIN_WORD && (mixed || patterns !== false)
  return (text) => {
    const clean = text.replace(afterLead, (_, head: string) => head + REDACTED)
    return asWord ? clean.replace(alone, REDACTED) : clean
  }
}

/**
 * Takes out what the errors of code of the user may tell: that code reads the whole environment, and its libraries repeat
 * keys. Values of variables that are named like secrets go, and what looks like a key.
 */
export function codeRedactor(env: Readonly<Record<string, string | undefined>>): (text: string) => string {
  const patterns = redactor(env, [])
  return (text) => patterns(withoutSecrets(text, env))
}

/**
 * The names of all environment variables that the configuration treats as secret: `api_key_env` of every provider (of
 * those behind `replay` too), OPENAI_API_KEY, and every ${NAME} in a header. Sorted, each once.
 */
export function secretNames(config: Config): string[] {
  const providers = Object.values(config.providers).flatMap((provider): OpenAiProvider[] => {
    if (provider.type === 'openai') return [provider]
    return provider.of ? [provider.of] : []
  })
  const names = providers.flatMap((provider) => [
    ...(provider.api_key_env ? [provider.api_key_env] : []),
    ...Object.values(provider.headers).flatMap(namesIn),
  ])
  return [...new Set(['OPENAI_API_KEY', ...names])].toSorted()
}

/** The names in a text that holds ${NAME} references. */
export function namesIn(text: string): string[] {
  return [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name)
}

/** The completion with every text in it redacted. Returns a copy. */
export function redactCompletion(completion: Completion, redact: (text: string) => string): Completion {
  const { error, finish_reason, response_model, fingerprint, request_id, conversation, contexts, state } = completion
  const calls = completion.tool_calls.map((call) => ({
    ...(call.id === undefined ? {} : { id: redact(call.id) }),
    name: redact(call.name),
    arguments: redact(call.arguments),
  }))
  const clean: Completion = { ...completion, text: redact(completion.text), tool_calls: calls }
  // Key by key: every answer goes through here, and many spreads take long.
  if (error) clean.error = { ...error, message: redact(error.message) }
  if (finish_reason !== undefined) clean.finish_reason = redact(finish_reason)
  if (response_model !== undefined) clean.response_model = redact(response_model)
  if (fingerprint !== undefined) clean.fingerprint = redact(fingerprint)
  if (request_id !== undefined) clean.request_id = redact(request_id)
  if (conversation) clean.conversation = { ...conversation, steps: redactDeep(conversation.steps, redact) }
  if (contexts) clean.contexts = redactDeep(contexts, redact)
  if (state !== undefined) clean.state = redactDeep(state, redact)
  return clean
}

/** Every text in a value, at every depth, keys too. */
function redactDeep<T>(value: T, redact: (text: string) => string): T {
  const walk = (node: unknown): unknown => {
    if (typeof node === 'string') return redact(node)
    if (Array.isArray(node)) return node.map(walk)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([key, inner]) => [redact(key), walk(inner)]))
  }
  return walk(value) as T
}

/** The value as it stands, in URLs, in JSON, and in base64, where it may begin at any of three offsets of a longer text. */
function formsOf(value: string): string[] {
  const shapes = plainForms(value)
  const bytes = Buffer.from(value)
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    // The first and last characters also hold bits of the neighbours: only what lies between is always the same.
    const start = Math.ceil((before * 8) / 6)
    const core = encoded.slice(start, Math.floor(((before + bytes.length) * 8) / 6))
    shapes.push(core, core.replaceAll('+', '-').replaceAll('/', '_'))
  }
  return shapes
}

/** The value as it stands, in URLs and in JSON. */
function plainForms(value: string): string[] {
  // Through UTF-8 and back: half a character would make encodeURIComponent throw.
  const url = encodeURIComponent(Buffer.from(value).toString())
  return [value, url, url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()), JSON.stringify(value).slice(1, -1)]
}

/** A key that was cut off: its first 12 characters and what follows in one piece. */
function headOf(value: string): RegExp[] {
  if (value.length < 24) return []
  return [new RegExp(`${value.slice(0, 12).replace(/[^\w]/g, '\\$&')}[\\w-]*`, 'g')]
}

const MASK = /\*{2,}|\u2022{2,}|\u2026|\.{3,}|[xX]{4,}/g
/** How far to either side of the mask a rest of the key is looked for. */
const REACH = 256

/** Keys as providers echo them, with the middle masked: `sk-abc***xyz`, `sk-a...wxyz`, `****wxyz`. */
function redactMasked(text: string, secrets: readonly string[]): string {
  if (secrets.length === 0) return text
  const parts: string[] = []
  let done = 0
  for (const { 0: mask, index } of text.matchAll(MASK)) {
    if (index < done) continue
    const before = text.slice(Math.max(done, index - REACH), index)
    const after = text.slice(index + mask.length, index + mask.length + REACH)
    const ends = secrets.map((secret) => ({ left: overlapLeft(before, secret), right: overlapRight(after, secret) }))
    // Three dots end many an ordinary word: one end alone must be longer there.
    const enough = /^[*\u2022]/.test(mask) ? 4 : 8
    const found = ends.filter(({ left, right }) => left + right >= enough || (left >= 2 && right >= 2))
    if (found.length === 0) continue
    const left = Math.max(...found.map((one) => one.left))
    const right = Math.max(...found.map((one) => one.right))
    parts.push(text.slice(done, index - left), REDACTED)
    done = index + mask.length + right
  }
  return parts.length === 0 ? text : parts.join('') + text.slice(done)
}

/** Length of the longest end of `before` that is a beginning of the secret. */
function overlapLeft(before: string, secret: string): number {
  const last = before.at(-1)
  for (let length = Math.min(before.length, secret.length); length > 0; length--) {
    if (secret[length - 1] === last && secret.startsWith(before.slice(-length))) return length
  }
  return 0
}

/** Length of the longest beginning of `after` that is an end of the secret and ends a word. */
function overlapRight(after: string, secret: string): number {
  const word = /^[\w+/=~-]*/.exec(after)?.[0] ?? ''
  return word.length > 0 && word.length < secret.length && secret.endsWith(word) ? word.length : 0
}

/**
 * A key with this mark at its start, at the start of a word or after an escaped line break in quoted JSON. The mark
 * stands before the look back so that the engine can skip to it.
 */
function shape(mark: string, rest: string): RegExp {
  return new RegExp(String.raw`${mark}(?<=(?:^|[^A-Za-z0-9_-]|\\[nrt])${mark})${rest}`, 'g')
}
/** Keys with a mark of their own. None of them can be tried twice on the same characters, so all are linear. */
const certain = [
  shape('sk-', String.raw`[\w-]{0,64}\*{2,}[\w-]{0,64}`),
  shape('AIza', String.raw`[\w-]{30,}`),
  shape('gh[pousr]_', String.raw`[\w.-]{20,}`),
  shape('github_pat_', String.raw`\w{20,}`),
  shape('xox[a-z]-', '[A-Za-z0-9-]{10,}'),
  shape('xapp-', '[A-Za-z0-9-]{10,}'),
  shape('A[KS]IA', '[A-Z0-9]{16}(?![A-Za-z0-9])'),
  shape('eyJ', String.raw`[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?`),
  shape('hf_', '[A-Za-z0-9]{30,}'),
  shape('gsk_', '[A-Za-z0-9]{30,}'),
  shape('glpat-', String.raw`[\w-]{20,}`),
]
/** Shapes that ordinary words can have too: only with a part that looks drawn by lot. */
const likely = [shape('sk-', String.raw`()[\w-]{16,}`), /\b(Bearer[ \t:]{1,4})[\w.~+/=-]{16,}/gi]
/** The word before the @ of a URL with a password in it. */
const LOGIN = /:\/\/[^\s/:@]{0,256}:[^\s/@]{1,256}@/g

function redactPatterns(text: string): string {
  let clean = text
  for (const pattern of certain) clean = clean.replace(pattern, REDACTED)
  for (const pattern of likely) {
    clean = clean.replace(pattern, (whole: string, lead: string) => {
      return looksRandom(whole.slice(lead.length)) ? lead + REDACTED : whole
    })
  }
  return clean.replace(LOGIN, `://${REDACTED}@`)
}

/** A run of at least 16 letters and digits that has both, as keys have and words have not. */
function looksRandom(text: string): boolean {
  return text.split(/[^A-Za-z0-9]+/).some((part) => part.length >= 16 && /\d/.test(part) && /[A-Za-z]/.test(part))
}
