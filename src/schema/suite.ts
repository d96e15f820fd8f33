// The suite file: what is asked (target), of which cases, how often (trials) and what decides (gate).
import * as z from 'zod'
import { Assertion } from './assertion.ts'
import { conversationShape, ToolBehaviours } from './conversation.ts'
import { GatePolicyInput } from './gate.ts'
import { lateObject } from './late-object.ts'
import { Duration, Json, Name, SemVer, Unit } from './values.ts'

export const ToolCall = lateObject(() => ({
  id: z.string().optional(),
  name: z.string(),
  arguments: z.string().describe('JSON text, as the model wrote it'),
}))
export type ToolCall = z.infer<typeof ToolCall>

export const Message = lateObject(() => ({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.string().default(''),
  tool_calls: z.array(ToolCall).optional(),
  tool_call_id: z.string().optional(),
}))
export type Message = z.infer<typeof Message>

export const Tool = lateObject(() => ({
  name: z.string().min(1),
  description: z.string().optional(),
  parameters: z.record(z.string(), Json).optional().describe('JSON Schema of the arguments'),
}))
export type Tool = z.infer<typeof Tool>

const concurrency = z.int().positive().default(4).describe('Cases asked at the same time')
const timeout = Duration.default(60_000).describe('How long one answer may take')

const depends_on = z
  .array(z.string().min(1))
  .min(1)
  .optional()
  .describe(
    'Globs of all files that the application is made of, relative to the suite: [../src/**]. With them its answers are cached, and --changed can tell',
  )

export const PromptTarget = lateObject(() => ({
  prompt: z.string().regex(/^[^@\s]+@[^@\s]+$/, 'expected name@version, for example support/answer@1.2.0'),
  model: z.string().min(1).describe('A name from `models` in aigate.yaml'),
  params: z.record(z.string(), Json).default({}).describe('Parameters of this suite; they win over those of the model'),
  tools: z.array(Tool).optional(),
  response_format: z.record(z.string(), Json).optional().describe('Sent as it stands, for example {type: json_object}'),
}))
export const CommandTarget = lateObject(() => ({
  command: z.array(z.string().min(1)).min(1).describe('Program and arguments; the case comes as JSON on stdin'),
  env: z
    .array(z.string())
    .default([])
    .describe('Environment variables that the program may see, besides PATH and HOME'),
  depends_on,
  timeout,
  concurrency,
}))
export const HttpTarget = lateObject(() => ({
  http: z
    .strictObject({
      url: z.string().min(1).describe('Liquid template over vars; ${NAME} is read from the environment'),
      method: z.enum(['GET', 'POST', 'PUT', 'PATCH']).default('POST'),
      headers: z.record(z.string(), z.string()).default({}).describe('Values may hold ${NAME} from the environment'),
      body: Json.optional().describe('JSON; every text in it is a Liquid template over vars. Not with GET'),
      answer: z.string().default('$').describe('JSONPath to the text of the answer; $ takes the whole body as text'),
      stream: z
        .enum(['sse', 'ndjson', 'text'])
        .optional()
        .describe(
          'The answer comes in pieces: server-sent events, JSON lines or plain text; `answer` is looked up in each',
        ),
      contexts: z
        .string()
        .optional()
        .describe('JSONPath to what was retrieved, best first: texts, or {id, text, score}'),
      trajectory: z.string().optional().describe('JSONPath to the messages in between, tool calls and their results'),
      state: z.string().optional().describe('JSONPath to the state that final_state looks at'),
    })
    .refine(({ method, body }) => method !== 'GET' || body === undefined, {
      message: 'a GET request has no body',
      path: ['body'],
      params: { mend: 'Remove the body, or write method: POST.' },
    })
    .refine(({ stream, contexts, trajectory, state }) => stream !== 'text' || !(contexts ?? trajectory ?? state), {
      message: 'plain text holds neither contexts, trajectory nor state',
      path: ['stream'],
      params: { mend: 'Remove them, or let the application answer with stream: sse or ndjson.' },
    }),
  timeout,
  concurrency,
}))
export const ModuleTarget = lateObject(() => ({
  module: z.string().min(1).describe('JavaScript or TypeScript file, relative to the suite'),
  export: z.string().default('default'),
  depends_on,
  timeout,
  concurrency,
}))
/** What is asked: a prompt with a model, or a whole application. */
export const Target = z.union([PromptTarget, CommandTarget, HttpTarget, ModuleTarget])
export type Target = z.infer<typeof Target>

/** Where a case comes from and under which terms it may be used. It decides nothing, and is not in the hash of the case. */
export const Provenance = lateObject(() => ({
  source: z.string().min(1).describe('Who wrote it, or the data set that it was taken from'),
  licence: z.string().min(1).describe('An SPDX identifier, for example MIT'),
  family: z.string().min(1).optional().describe('Of a public taxonomy, for example LLM01:2025 Prompt Injection'),
  links: z.array(z.url()).optional().describe('Where that family, or the data set, is described'),
}))

export const Case = lateObject(() => ({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/, 'expected letters, digits and . _ : / -'),
  description: z.string().optional(),
  category: Name.optional(),
  tags: z.array(z.string().min(1)).default([]),
  critical: z.boolean().default(false).describe('One proven break blocks, whatever the average says'),
  vars: z.record(z.string(), Json).default({}).describe('Values for the template of the prompt'),
  messages: z
    .array(Message)
    .optional()
    .describe('Conversation that follows the messages of the prompt, taken literally'),
  ...conversationShape(),
  assert: z.array(Assertion).default([]),
  threshold: Unit.optional().describe(
    'Passes when the weighted score reaches this, instead of when every assertion passes',
  ),
  provenance: Provenance.optional(),
}))
export type Case = z.infer<typeof Case>

/** Every assertion about a case: about its turns in their order, then about the whole. */
export const assertionsOf = ({ turns, assert }: Pick<Case, 'turns' | 'assert'>): readonly Assertion[] =>
  turns ? [...turns.flatMap((turn) => turn.assert), ...assert] : assert

/** A ladder of whole passes: `min` are asked first, then one at a time up to `max` while the verdict is open. */
export const Trials = z
  .union([
    z.int().positive(),
    z.literal('auto').describe('As many as the verdict needs: from 1 to at most 5 passes'),
    lateObject(() => ({
      min: z.int().positive().default(1),
      max: z.int().positive().optional().describe('Default: 3, or `min` where that is larger'),
    })).refine(({ min, max = min }) => min <= max, 'min is larger than max'),
  ])
  .transform((written) => {
    if (typeof written === 'number') return { min: written, max: written }
    if (written === 'auto') return { min: 1, max: 5 }
    const { min, max = Math.max(3, min) } = written
    return { min, max }
  })
export type Trials = z.infer<typeof Trials>

export const Suite = lateObject(() => ({
  suite: Name.describe('Name of the suite; its baseline is baselines/<name>.json'),
  version: SemVer,
  description: z.string().optional(),
  target: Target,
  trials: Trials.default({ min: 1, max: 3 }),
  gate: GatePolicyInput.optional(),
  tags: z.array(z.string().min(1)).optional().describe('Added to every case, for --tag'),
  assert: z.array(Assertion).default([]).describe('Added to every case'),
  threshold: Unit.optional().describe('For every case that sets none itself'),
  tools: ToolBehaviours.optional().describe('What the tools of the target answer in every case'),
  max_steps: z.int().min(1).max(100).optional().describe('For every case that sets none itself'),
  anchors: z
    .int()
    .min(0)
    .max(500)
    .optional()
    .describe(
      'So many cases of the baseline are asked again as the baseline asked them whenever prompt, model or parameters change: they tell whether the provider moved since',
    ),
  cases: z.array(Case).default([]),
  cases_from: z.array(z.string().min(1)).default([]).describe('JSONL, CSV or YAML files, relative to the suite'),
}))
export type Suite = z.infer<typeof Suite>
