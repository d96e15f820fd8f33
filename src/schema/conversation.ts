// Conversations with tools: what a case scripts (turns, answers of tools, a simulated user) and what was seen (steps, contexts).
import * as z from 'zod'
import { Assertion } from './assertion.ts'
import { lateObject } from './late-object.ts'
import { Duration, Json } from './values.ts'

const text = z.string().min(1)

/** One recorded answer of a tool: the first whose arguments are all in the call answers it. */
const RecordedResult = lateObject(() => ({
  arguments: z.record(z.string(), Json).optional().describe('Only for calls with at least these arguments'),
  result: Json.optional().describe('What the tool answers; anything but text is sent as JSON'),
  error: text.optional().describe('… or the error that it answers with'),
})).refine(({ result, error }) => (result === undefined) !== (error === undefined), {
  message: 'expected either result or error',
})

/** How the answer of a tool begins for which nothing is recorded: the model reads it, and the report warns of it. */
export const NOT_RECORDED = 'Error: no result is recorded for'

/** What happens when the model calls a tool. */
export const ToolBehaviour = z.union([
  lateObject(() => ({
    results: z.array(RecordedResult).min(1).describe('Recorded answers; the first that fits answers'),
  })),
  lateObject(() => ({
    module: text.describe('JavaScript or TypeScript file, relative to the suite'),
    export: z.string().default('default'),
    timeout: Duration.default(10_000),
  })),
  lateObject(() => ({
    command: z.array(text).min(1).describe('A program; {name, arguments, state, vars} comes as JSON on stdin'),
    timeout: Duration.default(10_000),
  })),
])
export type ToolBehaviour = z.infer<typeof ToolBehaviour>
export const ToolBehaviours = z.record(z.string().min(1), ToolBehaviour)
export type ToolBehaviours = z.infer<typeof ToolBehaviours>

/** One message of a scripted user, and what the answer to it must have. */
export const Turn = lateObject(() => ({
  user: text.describe('What the user says, taken literally'),
  assert: z.array(Assertion).default([]).describe('About the answer and the tool calls of this turn'),
}))
export type Turn = z.infer<typeof Turn>

/** A user that a model plays. */
export const SimulatedUser = lateObject(() => ({
  model: text.describe('A name from `models`: pin it, and set temperature and seed in its params'),
  goal: text.describe('What the user wants to reach'),
  persona: text.default('A customer who writes short, everyday messages.').describe('Who the user is'),
  first: text.optional().describe('The first message, taken literally; else the model writes it'),
  max_turns: z.int().min(1).max(50).default(8).describe('The conversation ends after so many messages of the user'),
  stop: text.default('###DONE###').describe('The phrase with which the model says that the user is done'),
}))
export type SimulatedUser = z.infer<typeof SimulatedUser>

const TURN = z.int().positive().describe('From 1; the same for all that follows one message of the user')

/** One thing that happened in a conversation, in its order. */
export const Step = lateObject(() => ({
  role: z.enum(['user', 'assistant', 'tool']),
  turn: TURN,
  content: z.string(),
  tool_calls: z
    .array(z.strictObject({ id: z.string().optional(), name: z.string(), arguments: z.string() }))
    .optional(),
  tool_call_id: z.string().optional(),
  name: z.string().optional().describe('Of the tool that answered'),
  error: z.literal(true).optional().describe('The tool answered with an error'),
}))
export type Step = z.infer<typeof Step>

/** A piece of text that a retrieval found, best first. */
export const RetrievedContext = lateObject(() => ({
  id: z.string().optional(),
  text: z.string().optional(),
  score: z.number().optional(),
  turn: TURN.optional(),
}))
export type RetrievedContext = z.infer<typeof RetrievedContext>

/** Everything between the first question and the last answer. */
export const Conversation = lateObject(() => ({
  steps: z.array(Step),
  calls: z.int().nonnegative().describe('Requests sent to the model or the application'),
  ended: z
    .enum(['answered', 'max_steps', 'stopped', 'max_turns'])
    .describe('max_steps: it would have called tools for ever; stopped: the simulated user was done'),
  user: z
    .strictObject({ calls: z.int().nonnegative(), cost_usd: z.number().nonnegative().optional() })
    .optional()
    .describe('What the simulated user took; it is no part of the cost of the answer'),
}))
export type Conversation = z.infer<typeof Conversation>

/** So many answers of the model may follow one message of the user, unless the case says otherwise. */
export const MAX_STEPS = 10

/** The parts of a case that make it a conversation. */
export const conversationShape = () => ({
  turns: z.array(Turn).min(1).max(100).optional().describe('Scripted messages of the user, one after the other'),
  user: SimulatedUser.optional().describe('… or a user that a model plays'),
  tools: ToolBehaviours.optional().describe(
    'What tools answer when the model calls them; wins over those of the suite',
  ),
  state: z
    .record(z.string(), Json)
    .optional()
    .describe('What live tools read and change; final_state looks at its end'),
  max_steps: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe(`Answers of the model to one message; ${MAX_STEPS} unless written`),
})
