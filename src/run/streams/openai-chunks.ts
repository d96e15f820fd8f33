// Chunks of a streamed chat completion, put together to the body that the same answer would have had in one piece.
import { contentOf } from '../providers/openai-answer.ts'
import { isRecord } from '../providers/openai-failure.ts'

type Call = { id?: string; name: string; arguments: string }
type Joined = {
  head: Record<string, unknown>
  usage: unknown
  content: string
  refusal: string
  calls: Call[]
  /** Where the calls stand that a chunk names by number. */
  places: Map<number, number>
  legacy: { name: string; arguments: string } | undefined
  finish: string | undefined
}

/** What a stream has said so far. */
export type Chunks = {
  /** Takes the next chunk; true when it brought a part of the answer: text, a refusal or a tool call, and no mere role or reasoning. */
  add(chunk: Record<string, unknown>): boolean
  /** Why the model stopped, once it said so. */
  finished(): boolean
  /** The body of the whole answer. */
  body(): Record<string, unknown>
}

export function chunks(): Chunks {
  const joined: Joined = {
    head: {},
    usage: undefined,
    content: '',
    refusal: '',
    calls: [],
    places: new Map(),
    legacy: undefined,
    finish: undefined,
  }
  return {
    add: (chunk) => addChunk(joined, chunk),
    finished: () => joined.finish !== undefined,
    body: () => bodyOf(joined),
  }
}

function addChunk(joined: Joined, chunk: Record<string, unknown>): boolean {
  for (const key of ['model', 'system_fingerprint']) {
    if (typeof chunk[key] === 'string' && chunk[key] !== '') joined.head[key] = chunk[key]
  }
  // With include_usage it comes in the last chunk, which has no choice; some servers send a running count in each.
  if (isRecord(chunk['usage'])) joined.usage = chunk['usage']
  const choices: unknown[] = Array.isArray(chunk['choices']) ? chunk['choices'] : []
  const choice = choices.find((one) => isRecord(one) && (one['index'] ?? 0) === 0)
  if (!isRecord(choice)) return false
  const reason = choice['finish_reason']
  // Some servers write '' where others write null.
  if (typeof reason === 'string' && reason !== '') joined.finish = reason
  // The last chunk of some servers holds the message instead of a delta.
  const delta = isRecord(choice['delta']) ? choice['delta'] : undefined
  return delta !== undefined && addDelta(joined, delta)
}

function addDelta(joined: Joined, delta: Record<string, unknown>): boolean {
  const content = contentOf(delta['content'])
  const refusal = typeof delta['refusal'] === 'string' ? delta['refusal'] : ''
  joined.content += content
  joined.refusal += refusal
  const calls = Array.isArray(delta['tool_calls']) ? delta['tool_calls'].filter(isRecord) : []
  for (const call of calls) addCall(joined, call)
  const legacy = delta['function_call']
  if (isRecord(legacy)) {
    joined.legacy ??= { name: '', arguments: '' }
    joined.legacy.name += contentOf(legacy['name'])
    joined.legacy.arguments += contentOf(legacy['arguments'])
  }
  return content !== '' || refusal !== '' || calls.length > 0 || isRecord(legacy)
}

/** The first piece of a call has its id and name; later ones go on with its arguments. */
function addCall({ calls, places }: Joined, piece: Record<string, unknown>): void {
  const called = isRecord(piece['function']) ? piece['function'] : isRecord(piece['custom']) ? piece['custom'] : {}
  const id = typeof piece['id'] === 'string' && piece['id'] !== '' ? piece['id'] : undefined
  const name = contentOf(called['name'])
  const index = typeof piece['index'] === 'number' ? piece['index'] : undefined
  const place = index === undefined ? undefined : places.get(index)
  const known = index === undefined && id === undefined && name === '' ? calls.at(-1) : calls[place ?? -1]
  // Some servers give every call the number 0, or none: another id with a name is another call.
  const other = known === undefined || (id !== undefined && known.id !== id && name !== '')
  const call: Call = other ? { name: '', arguments: '' } : known
  if (other) {
    if (index !== undefined) places.set(index, calls.length)
    calls.push(call)
  }
  if (id !== undefined) call.id = id
  // A name comes whole, and some servers repeat it.
  if (name !== '' && name !== call.name) call.name += name
  const args = called['arguments'] ?? called['input']
  if (args !== undefined && args !== null) call.arguments += typeof args === 'string' ? args : JSON.stringify(args)
}

function bodyOf({ head, usage, content, refusal, calls, legacy, finish }: Joined): Record<string, unknown> {
  const message = {
    role: 'assistant',
    content,
    ...(refusal !== '' && { refusal }),
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ id, ...called }) => ({ ...(id !== undefined && { id }), function: called })),
    }),
    ...(legacy && { function_call: legacy }),
  }
  return {
    ...head,
    ...(usage !== undefined && { usage }),
    choices: [{ message, ...(finish !== undefined && { finish_reason: finish }) }],
  }
}
