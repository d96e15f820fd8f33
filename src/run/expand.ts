// From a case to a question: renders the prompt with the variables of the case and gives the question its content hash.
import type { Template } from 'liquidjs'
import { AigateError } from '../errors.ts'
import type { AskRequest, LoadedPrompt, ResolvedTarget } from '../ports.ts'
import type { Case, Message } from '../schema/suite.ts'
import { USER_PROMPT_VERSION } from './agents/simulated-user.ts'
import { canonicalJson, canonicalObject, canonicalParts, contentHash, sha256 } from '../content-hash.ts'
import { plainTemplate } from '../plain-template.ts'
import { strictLiquid } from './liquid.ts'

type Expand = (testCase: Case, trial: number) => AskRequest
type PromptTarget = Extract<ResolvedTarget, { kind: 'prompt' }>
type AppTarget = Exclude<ResolvedTarget, { kind: 'prompt' }>

/**
 * Makes the function that turns a case and a trial (from 1) into a request. Templates are parsed once, here; a template
 * that cannot be parsed or rendered is an AigateError `bad_template`. The key of a request covers all that decides the
 * answer, and neither trial, time limit, concurrency nor a secret.
 */
export async function expander(target: ResolvedTarget): Promise<Expand> {
  return target.kind === 'prompt' ? promptExpander(target) : appExpander(target)
}

async function promptExpander(target: PromptTarget): Promise<Expand> {
  const { model, params, tools, response_format, provider } = target
  const render = await renderer(target.prompt)
  // The key is the content hash of all this together; what is the same for every case is written out once.
  const always = canonicalParts({ provider: provider.name, model: model.pin.id, params, tools, response_format })
  const [before, after] = canonicalObject({ ...always, messages: HERE }).split(HERE, 2)
  const keyOf = ({ case: testCase, messages }: Pick<AskRequest, 'case' | 'messages'>) => {
    const identity = conversationIdentity(testCase)
    const text = messagesText(messages)
    if (Object.keys(identity).length === 0) return sha256(`${before}${text}${after}`)
    return sha256(canonicalObject({ ...always, messages: text, ...canonicalParts(identity) }))
  }
  const late = lateKey(keyOf)
  const more = { ...(tools && { tools }), ...(response_format && { response_format }) }
  return (testCase, trial) => {
    const rendered = render(testCase)
    const messages = testCase.messages ? [...rendered, ...testCase.messages] : rendered
    const request = { case: testCase, trial, messages, model: { id: model.pin.id, params }, ...more }
    return Object.assign(Object.create(late) as { readonly key: string }, request)
  }
}

/** A key is made when it is first looked at: without a cache never, and else when the first calls are on their way. */
function lateKey(keyOf: (request: AskRequest) => string): { readonly key: string } {
  return {
    get key() {
      const key = keyOf(this as AskRequest)
      Object.defineProperty(this, 'key', { value: key, enumerable: true })
      return key
    },
  }
}

/** Where the messages stand in the text of a key. A control character is in no JSON. */
const HERE = '\u0000'

/** Canonical JSON; those of a role and a text, as nearly all are, without a look at their keys. */
const messagesText = (messages: readonly Message[]): string =>
  `[${messages.map((one) => (isBare(one) ? `{"content":${JSON.stringify(one.content)},"role":"${one.role}"}` : canonicalJson(one))).join(',')}]`

const isBare = (message: Message): boolean => Object.keys(message).length === 2 && message.content !== undefined

function appExpander(target: AppTarget): Expand {
  const app = appSpec(target)
  return (testCase, trial) => {
    const messages = testCase.messages ?? []
    // The application is told the id of the case, so that it may answer by it.
    return {
      key: contentHash({ app, id: testCase.id, vars: testCase.vars, messages, ...conversationIdentity(testCase) }),
      case: testCase,
      trial,
      messages,
    }
  }
}

/** What of a conversation decides its course, the assertions about its turns apart. Empty for one question. */
function conversationIdentity({ turns, user, tools, state, max_steps, vars }: Case): Record<string, unknown> {
  const live = Object.values(tools ?? {}).some((tool) => !('results' in tool))
  return {
    ...(turns && { turns: turns.map((turn) => turn.user) }),
    ...(user && { user, user_prompt: USER_PROMPT_VERSION }),
    ...(tools && { answers: tools }),
    ...(state && { state }),
    ...(max_steps !== undefined && { max_steps }),
    // Live tools see the variables.
    ...(live && { vars }),
  }
}

/** What of an application decides its answers: everything but how long and how many at a time. */
export function appSpec({ kind, target }: AppTarget): Record<string, unknown> {
  const {
    timeout: _timeout,
    concurrency: _concurrency,
    depends_on: _files,
    ...spec
  } = { depends_on: undefined, ...target }
  return { kind, ...spec }
}

type Part = { role: Message['role']; text: (testCase: Case) => string }

async function renderer(prompt: LoadedPrompt): Promise<(testCase: Case) => Message[]> {
  const parts: Part[] = []
  for (const { role, template, line } of prompt.messages) parts.push({ role, text: await part(prompt, template, line) })
  return (testCase) => parts.map(({ role, text }) => ({ role, content: withoutBlankEdges(text(testCase)) }))
}

async function part(prompt: LoadedPrompt, template: string, line: number): Promise<Part['text']> {
  const plain = plainTemplate(template)
  if (plain)
    return ({ id, vars }) => {
      const text = plain.render(vars)
      if (typeof text === 'string') return text
      const { name, row, column } = text.missing
      throw templateError(`undefined variable: ${name}`, prompt, { line, row, column, id })
    }
  const engine = await strictLiquid()
  const attempt = <T>(id: string | undefined, work: () => T): T => {
    try {
      return work()
    } catch (error) {
      const { message, token } = error as Error & { token?: { getPosition?: () => [number, number] } }
      const [row, column] = token?.getPosition?.() ?? [1, undefined]
      throw templateError(message.replace(/, line:\d+, col:\d+$/, ''), prompt, { line, row, column, id })
    }
  }
  const parsed: Template[] = attempt(undefined, () => engine.parse(template))
  return ({ id, vars }) => String(attempt(id, () => engine.renderSync(parsed, { ...vars }) as unknown))
}

/** Without the blank lines at the beginning and the end. */
function withoutBlankEdges(text: string): string {
  if (!text.includes('\n')) return text.trim() === '' ? '' : text
  const lines = text.split('\n')
  const filled = (line: string) => line.trim() !== ''
  return lines.slice(lines.findIndex(filled), lines.findLastIndex(filled) + 1).join('\n')
}

type Place = { line: number; row: number; column: number | undefined; id: string | undefined }

function templateError(problem: string, prompt: LoadedPrompt, { line, row, column, id }: Place): AigateError {
  const facts = {
    prompt: `${prompt.name}@${prompt.version}`,
    problem: problem.replace(/\.$/, ''),
    where: id === undefined ? '' : ` for case ${id}`,
  }
  return new AigateError('bad_template', facts, { file: prompt.file, line: line + row - 1, column })
}
