// Assertions as people write them (`contains: refund`, `not_regex: …`) and as the code reads them ({type, not, args}).
import * as z from 'zod'
import { Dollars, Duration, Json, Unit } from './values.ts'

const text = z.string().min(1)
const texts = z.union([text, z.array(text).min(1)])
const count = z.int().nonnegative()

/** The similarity from which on `similar` passes when it sets no threshold. */
export const similarThreshold = 0.7

/** What each assertion takes: one entry an assertion, the first of the places that a new one needs. */
export const assertionArgs = {
  contains: texts.describe('The answer contains the text, or every text of the list'),
  contains_any: z.array(text).min(1).describe('The answer contains at least one of the texts'),
  icontains: texts.describe('Like contains, upper and lower case alike'),
  icontains_any: z.array(text).min(1).describe('Like contains_any, upper and lower case alike'),
  equals: z
    .union([z.string(), z.strictObject({ value: z.string(), ignore_case: z.boolean().default(false) })])
    .describe('The answer, without surrounding white space, is this text'),
  regex: z
    .union([
      text,
      z.strictObject({
        pattern: text,
        flags: z
          .string()
          .regex(/^[imsu]*$/)
          .default(''),
      }),
    ])
    .describe('The answer matches the JavaScript regular expression'),
  starts_with: text.describe('The answer starts with the text'),
  ends_with: text.describe('The answer ends with the text'),
  one_of: z.array(text).min(1).describe('The answer, without surrounding white space, is one of these texts'),
  min_words: count.describe('At least so many words'),
  max_words: count.describe('At most so many words'),
  min_characters: count.describe('At least so many characters'),
  max_characters: count.describe('At most so many characters'),
  min_sentences: count.describe('At least so many sentences'),
  max_sentences: count.describe('At most so many sentences'),
  is_json: z.literal(true).describe('The answer is one JSON value, and nothing else'),
  json_schema: z.record(z.string(), Json).describe('The answer is JSON that the JSON Schema accepts'),
  json_path: z
    .strictObject({
      path: text.describe('JSONPath (RFC 9535), for example $.items[0].name'),
      equals: Json.optional().describe('One of the values found equals this'),
      exists: z.boolean().optional().describe('Whether the path finds anything'),
      contains: text.optional().describe('One of the values found is text that contains this'),
    })
    .describe('What a JSONPath finds in the answer'),
  is_refusal: z.literal(true).describe('The model refused, by its own flag or in words'),
  number_close: z
    .strictObject({ value: z.number(), tolerance: z.number().nonnegative().optional(), relative: Unit.optional() })
    .describe('A number in the answer is close to the value (absolute or relative tolerance)'),
  similar: z
    .strictObject({ to: text, method: z.enum(['levenshtein', 'rouge_l', 'bleu']).default('rouge_l') })
    .describe('Similarity to a reference in [0, 1]; passes from `threshold` on (default 0.7)'),
  tool_call: z
    .strictObject({
      name: text.optional().describe('A tool of this name is called'),
      arguments: z.record(z.string(), Json).optional().describe('… with at least these arguments'),
      count: count.optional().describe('… exactly so many times'),
      order: z.array(text).min(1).optional().describe('The tools are called in this order'),
      none: z.literal(true).optional().describe('No tool is called'),
    })
    .describe('Which tools the model called'),
  latency: Duration.describe('The answer came within this time'),
  cost: Dollars.describe('The answer cost at most so many dollars'),
  command: z
    .strictObject({ run: z.array(text).min(1), timeout: Duration.default(10_000) })
    .describe(
      'A program that reads {answer, tool_calls, vars, case} as JSON and exits 0 to pass, 1 to fail, or prints {score, passed, reason}',
    ),
  module: z
    .strictObject({ path: text, export: text.default('default'), options: Json.optional() })
    .describe('A JavaScript or TypeScript function that grades the answer'),
} as const

/** Assertions for which `not_` has a meaning. */
const negatable = [
  'contains', 'contains_any', 'icontains', 'icontains_any', 'equals', 'regex', 'starts_with', 'ends_with', 'one_of',
  'is_json', 'json_schema', 'json_path', 'is_refusal', 'number_close', 'similar', 'tool_call',
] as const satisfies readonly (keyof typeof assertionArgs)[] // biome-ignore format: a list reads better short

export type AssertionType = keyof typeof assertionArgs
export type AssertionArgs<T extends AssertionType> = z.output<(typeof assertionArgs)[T]>

/** One assertion, read: `not` turns it round, `weight` counts in the case's score, `threshold` is the score that passes. */
export type AssertionOf<T extends AssertionType> = {
  type: T
  not: boolean
  args: AssertionArgs<T>
  weight: number
  threshold?: number | undefined
  name?: string | undefined
}
export type Assertion = { [T in AssertionType]: AssertionOf<T> }[AssertionType]

const options = {
  weight: z.number().nonnegative().default(1).describe('Weight in the score of the case'),
  threshold: Unit.optional().describe('The score from which on this assertion passes (after not_: fails)'),
  name: text.optional().describe('What reports call it'),
}

/** `not_contains: [a, b]` means neither of them: the opposite of `contains_any`, not of `contains` (both of them). */
const listOpposite: { [T in AssertionType]?: AssertionType } = { contains: 'contains_any', icontains: 'icontains_any' }

const keyOf = (type: AssertionType, not: boolean) => (not ? `not_${type}` : type)

const variants = (Object.keys(assertionArgs) as AssertionType[]).flatMap((type) => {
  const args: z.ZodType = assertionArgs[type]
  const ways = (negatable as readonly string[]).includes(type) ? [false, true] : [false]
  return ways.map((not) =>
    z.strictObject({ [keyOf(type, not)]: args, ...options }).transform((written): Assertion => {
      const { weight, threshold, name, ...rest } = written as Record<string, unknown>
      const args = Object.values(rest)[0]
      const meant = (not && Array.isArray(args) && listOpposite[type]) || type
      const passesFrom = threshold ?? (type === 'similar' ? similarThreshold : undefined)
      return { type: meant, not, args, weight, threshold: passesFrom, name } as Assertion
    }),
  )
})

/** Every key under which an assertion can be written, for "did you mean". */
export const assertionKeys: readonly string[] = [
  ...Object.keys(assertionArgs),
  ...negatable.map((type) => keyOf(type, true)),
]

/** An assertion as written in YAML, for example `{not_contains: competitor, weight: 2}`. */
export const Assertion = z.union(variants as [(typeof variants)[number], ...typeof variants])
