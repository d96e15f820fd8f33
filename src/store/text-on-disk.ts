// Long texts of answers that stay where they are written down: a hundred thousand answers need no memory but for what is judged.
import { closeSync, openSync } from 'node:fs'
import { lateProperty } from '../schema/late-property.ts'
import type { Conversation, Step } from '../schema/conversation.ts'
import type { Completion, Usage } from '../schema/run.ts'
import { badRecord, parseJson, readLine } from './json-lines.ts'
import { fileError } from './write-text.ts'

/** Shorter texts stay in memory: where they stand would take as much. */
const LONG = 200
/** Different names, fingerprints and counts of tokens that are kept once for all answers that have them. */
const MOST_SHARED = 10_000

/** The record of a run, whose lines can be read again as long as it is there. */
export type LineSource = { completionAt(place: Omit<Place, 'source'>): Completion }
/** The line of an answer: bytes from the beginning of the file, without the line end, and the id of the case that it is of. */
type Place = { source: LineSource; offset: number; length: number; id: string }

/** @param flush writes what is not in the file yet, up to this byte */
export function lineSource(file: string, flush: (until: number) => void = () => undefined): LineSource {
  let open: { fd: number; last?: { offset: number; completion: Completion } } | undefined
  const opened = () => {
    if (open) return open
    open = { fd: openSync(file, 'r') }
    // Many are read one after the other; nobody says which was the last.
    setImmediate(() => {
      if (open) closeSync(open.fd)
      open = undefined
    })
    return open
  }
  return {
    completionAt({ offset, length, id }) {
      if (open?.last?.offset === offset) return open.last.completion
      flush(offset + length)
      let value: unknown
      try {
        value = parseJson(readLine(opened().fd, { offset, length }))
      } catch (error) {
        throw fileError(file, error, 'read')
      }
      const completion = completionIn(value, id)
      if (completion === undefined) throw changed(file)
      if (open) open.last = { offset, completion }
      return completion
    },
  }
}

/** Undefined where something else stands by now: another process may have put another file in its place. */
function completionIn(value: unknown, id: string): Completion | undefined {
  if (typeof value !== 'object' || value === null || !('completion' in value && 'case' in value)) return undefined
  return value.case === id ? (value.completion as Completion) : undefined
}

const changed = (file: string) =>
  badRecord(
    file,
    undefined,
    'An answer is not there any more: the record was changed while it was in use.',
    'Run it again.',
  )

const again = (place: Place): Completion => place.source.completionAt(place)

const late = {
  text: lateProperty('text', (place: Place) => again(place).text),
  tool_calls: lateProperty('tool_calls', (place: Place) => again(place).tool_calls),
  contexts: lateProperty('contexts', (place: Place) => again(place).contexts),
  state: lateProperty('state', (place: Place) => again(place).state),
}

type StepPlace = { place: Place; nth: number }
const stepAgain = ({ place, nth }: StepPlace): Step | undefined => again(place).conversation?.steps[nth]
const ofStep = {
  content: lateProperty('content', (place: StepPlace) => stepAgain(place)?.content ?? ''),
  tool_calls: lateProperty('tool_calls', (place: StepPlace) => stepAgain(place)?.tool_calls),
}

/** Keeps equal things once. */
function shared<T>() {
  const known = new Map<string, T>()
  return (name: string, value: T): T => {
    const before = known.get(name)
    if (before !== undefined) return before
    if (known.size < MOST_SHARED) known.set(name, value)
    return value
  }
}
const [sameText, sharedUsage] = [shared<string>(), shared<Usage>()]
const sharedName = (name: string): string => sameText(name, name)
const noCalls: Completion['tool_calls'] = []
Object.freeze(noCalls)

/**
 * The same completion, whose long texts are read from its line in the record each time that they are asked for. Everything
 * else is in memory, equal parts once. Throws when it is read: AigateError `cannot_read`, `disk_trouble` or `bad_file`.
 */
export function withTextOnDisk(completion: Completion, place: Place): Completion {
  share(completion)
  if (isShort(completion)) return completion
  const kept: Partial<Completion> = {}
  for (const key of Object.keys(completion) as (keyof Completion)[])
    if (completion[key] !== undefined) keep(kept, key, completion, place)
  return kept as Completion
}

/** Nothing of it is worth a second look at the disk. */
const isShort = ({ text, tool_calls, contexts, state, conversation }: Completion): boolean =>
  text.length <= LONG &&
  tool_calls.length === 0 &&
  contexts === undefined &&
  state === undefined &&
  conversation === undefined

/** Equal values instead of its own: most of them are the same in all answers of a run. */
function share(completion: Completion): void {
  const { usage, finish_reason, response_model, fingerprint } = completion
  if (completion.tool_calls.length === 0) completion.tool_calls = noCalls
  if (usage) completion.usage = sharedUsage(usageName(usage), usage)
  if (finish_reason !== undefined) completion.finish_reason = sharedName(finish_reason)
  if (response_model !== undefined) completion.response_model = sharedName(response_model)
  if (fingerprint !== undefined) completion.fingerprint = sharedName(fingerprint)
}

const usageName = ({ input_tokens, output_tokens, cached_input_tokens, reasoning_tokens }: Usage): string =>
  `${input_tokens} ${output_tokens} ${cached_input_tokens} ${reasoning_tokens}`

function keep(kept: Partial<Completion>, key: keyof Completion, completion: Completion, place: Place): void {
  const { text, tool_calls, conversation } = completion
  if (key === 'text' && text.length > LONG) late.text(kept, place)
  else if (key === 'tool_calls' && tool_calls.length > 0) late.tool_calls(kept, place)
  else if (key === 'contexts' || key === 'state') late[key](kept, place)
  else if (key === 'conversation' && conversation) kept.conversation = conversationOf(conversation, place)
  else put(kept, key, completion[key])
}

function put<T extends object, K extends keyof T>(kept: Partial<T>, key: K, value: T[K]): void {
  kept[key] = value
}

/** What is judged of its steps stays in memory: who said something, and whether a tool failed. */
function conversationOf(conversation: Conversation, place: Place): Conversation {
  const steps = conversation.steps.map((step, nth) => {
    if (step.content.length <= LONG && step.tool_calls === undefined) return step
    const kept: Partial<Step> = {}
    for (const key of Object.keys(step) as (keyof Step)[]) {
      if (key === 'content' && step.content.length > LONG) ofStep.content(kept, { place, nth })
      else if (key === 'tool_calls' && step.tool_calls) ofStep.tool_calls(kept, { place, nth })
      else put(kept, key, step[key])
    }
    return kept as Step
  })
  return { ...conversation, steps }
}
