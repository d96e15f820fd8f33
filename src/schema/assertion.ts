// Assertions as people write them (`contains: refund`, `not_regex: …`) and as the code reads them ({type, not, args}).
import * as z from 'zod'
import { Dollars, Duration, Json, Name, Unit } from './values.ts'

const text = z.string().min(1)
const texts = z.union([text, z.array(text).min(1)])
const count = z.int().nonnegative()

/** The similarity from which on `similar` passes when it sets no threshold. */
export const similarThreshold = 0.7

/** Languages in which refusals are known. */
export const refusalLanguages = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl'] as const
/** Personal data that has a form of its own. */
export const piiKinds = ['email', 'phone', 'card', 'iban', 'national_id', 'ip_address'] as const
/** Where an answer could do harm: in a page, in rendered Markdown, in a database, in a shell, in a terminal, unseen. */
export const outputKinds = ['html', 'markdown', 'sql', 'shell', 'terminal', 'hidden'] as const

/** Measures of a ranked list of contexts. */
export const retrievalMetrics = ['precision', 'recall', 'f1', 'hit', 'mrr', 'map', 'ndcg', 'ndcg_exp'] as const
/** Which contexts are right: their ids, or a grade of relevance for each (0: not relevant). */
export const Relevance = z.union([z.array(text).min(1), z.record(z.string(), z.int().nonnegative())])
export type Relevance = z.infer<typeof Relevance>

/** The score from which on an assertion of a judge passes when it sets no threshold. */
export const judgedThresholds = {
  rubric: 0.75,
  faithful: 1,
  answers_question: 0.75,
  compare: 0.5,
  factual: 0.6,
  context_relevance: 0.5,
} as const

/** A number of tokens: at most so many, or a range. */
const bounds = () => z.union([count, z.strictObject({ max: count.optional(), min: count.optional() })])

/** Who judges, for every assertion that a model grades. */
const byJudge = () => ({
  judge: z
    .union([Name, z.array(Name).min(1).max(9)])
    .optional()
    .describe('A name from `judges` in aigate.yaml, or several for a jury; left out: `default`, or the only one'),
  votes: z.int().min(1).max(15).optional().describe('How often each judge is asked; the median counts'),
})

/** What each assertion takes, made when one is written: one entry an assertion, the first of the places that a new one needs. */
export const assertionArgs = {
  contains: () => texts.describe('The answer contains the text, or every text of the list'),
  contains_any: () => z.array(text).min(1).describe('The answer contains at least one of the texts'),
  icontains: () => texts.describe('Like contains, upper and lower case alike'),
  icontains_any: () => z.array(text).min(1).describe('Like contains_any, upper and lower case alike'),
  equals: () =>
    z
      .union([z.string(), z.strictObject({ value: z.string(), ignore_case: z.boolean().default(false) })])
      .describe('The answer, without surrounding white space, is this text'),
  regex: () =>
    z
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
  starts_with: () => text.describe('The answer starts with the text'),
  ends_with: () => text.describe('The answer ends with the text'),
  one_of: () => z.array(text).min(1).describe('The answer, without surrounding white space, is one of these texts'),
  min_words: () => count.describe('At least so many words'),
  max_words: () => count.describe('At most so many words'),
  min_characters: () => count.describe('At least so many characters'),
  max_characters: () => count.describe('At most so many characters'),
  min_sentences: () => count.describe('At least so many sentences'),
  max_sentences: () => count.describe('At most so many sentences'),
  is_json: () => z.literal(true).describe('The answer is one JSON value, and nothing else'),
  json_schema: () => z.record(z.string(), Json).describe('The answer is JSON that the JSON Schema accepts'),
  json_path: () =>
    z
      .strictObject({
        path: text.describe('JSONPath (RFC 9535), for example $.items[0].name'),
        equals: Json.optional().describe('One of the values found equals this'),
        exists: z.boolean().optional().describe('Whether the path finds anything'),
        contains: text.optional().describe('One of the values found is text that contains this'),
      })
      .describe('What a JSONPath finds in the answer'),
  is_refusal: () =>
    z
      .union([z.literal(true), z.strictObject({ languages: z.array(z.enum(refusalLanguages)).min(1) })])
      .describe('The model refused, by its own flag or in words; in English, or in the languages of the list'),
  number_close: () =>
    z
      .strictObject({ value: z.number(), tolerance: z.number().nonnegative().optional(), relative: Unit.optional() })
      .describe('A number in the answer is close to the value (absolute or relative tolerance)'),
  similar: () =>
    z
      .strictObject({
        to: text,
        method: z.enum(['levenshtein', 'rouge_l', 'bleu', 'cosine']).default('rouge_l'),
        model: text
          .optional()
          .describe('cosine: the embedding model, a name from `models`; else `embeddings` of aigate.yaml'),
      })
      .describe('Similarity to a reference in [0, 1]; passes from `threshold` on (default 0.7)'),
  rubric: () =>
    z
      .union([
        text,
        z.strictObject({
          criteria: texts.describe('What a good answer does, in words'),
          scale: z
            .record(z.string().regex(/^\d{1,3}$/, 'expected whole numbers as keys'), text)
            .optional()
            .describe('Scores with their meaning, at least two: {1: rude, 3: neutral, 5: warm}; 1 to 5 unless written'),
          question: text.optional().describe('What was asked; else the last message of the user'),
          ...byJudge(),
        }),
      ])
      .describe('A judge gives the answer a score for criteria in words'),
  faithful: () =>
    z
      .strictObject({
        context: texts.optional().describe('What the answer may claim, as text'),
        context_from: z
          .union([text, z.array(text).min(1)])
          .optional()
          .describe('… or as variables of the case'),
        ...byJudge(),
      })
      .describe('Every claim of the answer is supported by the context. Score: the share that is'),
  answers_question: () =>
    z
      .union([
        z.literal(true),
        z.strictObject({ question: text.optional().describe('Else the last message of the user'), ...byJudge() }),
      ])
      .describe('The answer answers the question that was asked'),
  compare: () =>
    z
      .union([
        z.literal(true),
        z.strictObject({
          criteria: texts.optional().describe('What better means; else overall quality'),
          question: text.optional().describe('Else the last message of the user'),
          ...byJudge(),
        }),
      ])
      .describe("A judge finds the answer no worse than the baseline's, asked in both orders"),
  factual: () =>
    z
      .strictObject({
        reference: text.describe('An answer that is right'),
        question: text.optional().describe('Else the last message of the user'),
        ...byJudge(),
      })
      .describe('The facts of the answer agree with those of a reference'),
  context_relevance: () =>
    z
      .union([
        z.literal(true),
        z.strictObject({
          context_from: z
            .union([text, z.array(text).min(1)])
            .optional()
            .describe('Variables of the case with the contexts, each entry of a list one; else what was retrieved'),
          question: text.optional().describe('Else the last message of the user'),
          ...byJudge(),
        }),
      ])
      .describe('A judge finds the contexts relevant to the question. Score: the share that is'),
  tool_call: () =>
    z
      .strictObject({
        name: text.optional().describe('A tool of this name is called'),
        arguments: z.record(z.string(), Json).optional().describe('… with at least these arguments'),
        count: count.optional().describe('… exactly so many times'),
        order: z.array(text).min(1).optional().describe('The tools are called in this order'),
        none: z.literal(true).optional().describe('No tool is called'),
        only: z.array(text).optional().describe('No other tools than these are called; none of them need be'),
        never: z.array(text).min(1).optional().describe('None of these tools is called'),
        exact_arguments: z.record(z.string(), Json).optional().describe('… with these arguments and no others'),
        arguments_schema: z
          .record(z.string(), Json)
          .optional()
          .describe('… with arguments that the JSON Schema accepts'),
        arguments_match: z
          .record(z.string(), text)
          .optional()
          .describe('… with arguments whose text each matches its regular expression'),
        max_count: count.optional().describe('… at most so many times'),
        sequence: z.array(text).optional().describe('Exactly these tools are called, in this order, and no others'),
        all: z.array(text).min(1).optional().describe('Each of these tools is called, in any order'),
        max_same: z
          .int()
          .positive()
          .optional()
          .describe('The same call (name and arguments) comes at most so often; 1: no loop'),
        no_errors: z.literal(true).optional().describe('No tool answered with an error'),
      })
      .describe('Which tools the model called'),
  final_state: () =>
    z
      .strictObject({
        path: text.default('$').describe('JSONPath (RFC 9535) into the state, for example $.orders[0].status'),
        equals: Json.optional(),
        exists: z.boolean().optional(),
        contains: text.optional(),
      })
      .describe('What the tools, or the application, left at the end'),
  retrieval: () =>
    z
      .strictObject({
        metric: z.enum(retrievalMetrics),
        k: z.int().positive().optional().describe('Only the first k contexts count; all of them unless written'),
        relevant: Relevance.optional().describe('Ids of the right contexts, or {id: grade}: 0 is not relevant'),
        relevant_from: text
          .optional()
          .describe('… or the variable of the case that holds them; `relevant` unless written'),
      })
      .describe('How well the retrieval found the right contexts; passes from `threshold` on (1 unless written)'),
  citations: () =>
    z
      .union([
        z.literal(true),
        z.strictObject({
          min: count.default(1).describe('At least so many citations'),
          pattern: text
            .default('\\[([^\\[\\]]+)\\]')
            .describe('Regular expression; its first group is the id or the number'),
          quotes: z.boolean().default(true).describe('Texts in quotation marks must stand in a context word for word'),
          context_from: text
            .optional()
            .describe('The variable of the case with the contexts, where none were retrieved'),
        }),
      ])
      .describe(
        'Every citation names a context that there is, and every quotation stands in one. Score: the share that does',
      ),
  no_pii: () =>
    z
      .union([
        z.literal(true),
        z.strictObject({
          kinds: z
            .array(z.enum(piiKinds))
            .min(1)
            .optional()
            .describe('What is looked for; all but ip_address unless written'),
          regions: z
            .array(z.string().regex(/^[A-Z]{2}$/, 'expected countries as two capital letters, for example DE'))
            .min(1)
            .optional()
            .describe('Countries whose telephone numbers without + and whose ids are known; US and GB unless written'),
          allow: z.array(text).optional().describe('What may be said: exact texts, or @example.org for a whole domain'),
        }),
      ])
      .describe('No personal data in the answer or in the arguments of its tool calls'),
  no_secrets: () =>
    z
      .union([
        z.literal(true),
        z.strictObject({
          canaries: z.array(z.string().min(4)).optional().describe('Texts that were planted and must not come out'),
          allow: z.array(text).optional().describe('Example keys that may be said, each as the whole text of the key'),
        }),
      ])
      .describe('No keys, tokens or passwords of known forms, and no canary, plain or in disguise'),
  no_leak: () =>
    z
      .union([
        z.literal(true),
        z.strictObject({
          system: z.boolean().default(true).describe('The system message that was sent must not come out'),
          texts: z.array(text).optional().describe('Further texts that must not come out'),
          canaries: z.array(z.string().min(4)).optional().describe('Words that stand in the system message only'),
          allow: z.array(text).optional().describe('Parts of them that may be said, for example the handbook'),
          words: z.int().min(3).max(50).default(10).describe('So many words in a row are a leak'),
        }),
      ])
      .describe('The answer repeats no part of the system message, plain or in disguise'),
  safe_output: () =>
    z
      .union([
        z.literal(true),
        z.strictObject({
          kinds: z
            .array(z.enum(outputKinds))
            .min(1)
            .optional()
            .describe('What is looked for; all of them unless written'),
          hosts: z.array(text).optional().describe('The only hosts from which images may come'),
        }),
      ])
      .describe('Nothing in the answer is dangerous where it is rendered or run'),
  latency: () => Duration.describe('The answer came within this time'),
  time_to_first_token: () => Duration.describe('The first piece of a streamed answer came within this time'),
  prompt_tokens: () => bounds().describe('So many tokens were sent, as the provider counts them'),
  completion_tokens: () =>
    bounds().describe('So many tokens were answered, reasoning included, as the provider counts them'),
  history: () =>
    z
      .strictObject({
        max_messages: count.optional().describe('Messages that were sent, system messages apart'),
        max_characters: count.optional().describe('Characters of all messages together'),
      })
      .describe('How much conversation goes along with the question'),
  cost: () => Dollars.describe('The answer cost at most so many dollars'),
  command: () =>
    z
      .strictObject({ run: z.array(text).min(1), timeout: Duration.default(10_000) })
      .describe(
        'A program that reads {answer, tool_calls, vars, case} as JSON and exits 0 to pass, 1 to fail, or prints {score, passed, reason}',
      ),
  module: () =>
    z
      .strictObject({
        path: text,
        export: text.default('default'),
        options: Json.optional(),
        timeout: Duration.optional().describe('How long the function may take; 10s unless written'),
      })
      .describe('A JavaScript or TypeScript function that grades the answer'),
} as const

/** Assertions for which `not_` has a meaning. */
const negatable = [
  'contains', 'contains_any', 'icontains', 'icontains_any', 'equals', 'regex', 'starts_with', 'ends_with', 'one_of',
  'is_json', 'json_schema', 'json_path', 'is_refusal', 'number_close', 'similar', 'tool_call',
] as const satisfies readonly (keyof typeof assertionArgs)[] // biome-ignore format: a list reads better short

export type AssertionType = keyof typeof assertionArgs
export type AssertionArgs<T extends AssertionType> = z.output<ReturnType<(typeof assertionArgs)[T]>>

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

const options = () => ({
  weight: z.number().nonnegative().default(1).describe('Weight in the score of the case'),
  threshold: Unit.optional().describe('The score from which on this assertion passes (after not_: fails)'),
  name: text.optional().describe('What reports call it'),
})

const defaultThresholds: { [T in AssertionType]?: number } = {
  similar: similarThreshold,
  retrieval: 1,
  ...judgedThresholds,
}

/** `not_contains: [a, b]` means neither of them: the opposite of `contains_any`, not of `contains` (both of them). */
const listOpposite: { [T in AssertionType]?: AssertionType } = { contains: 'contains_any', icontains: 'icontains_any' }

const keyOf = (type: AssertionType, not: boolean) => (not ? `not_${type}` : type)

const variantOf = (type: AssertionType, not: boolean) =>
  z.strictObject({ [keyOf(type, not)]: assertionArgs[type](), ...options() }).transform((written): Assertion => {
    const { weight, threshold, name, ...rest } = written as Record<string, unknown>
    const args = Object.values(rest)[0]
    const meant = (not && Array.isArray(args) && listOpposite[type]) || type
    const passesFrom = threshold ?? defaultThresholds[type]
    return { type: meant, not, args, weight, threshold: passesFrom, name } as Assertion
  })
type Variant = ReturnType<typeof variantOf>

/** The variant of each key: most suites write two or three of them, and each is made when it is asked for. */
const variants = new Map<string, () => Variant>()
for (const type of Object.keys(assertionArgs) as AssertionType[]) {
  for (const not of (negatable as readonly string[]).includes(type) ? [false, true] : [false]) {
    let made: Variant | undefined
    variants.set(keyOf(type, not), () => (made ??= variantOf(type, not)))
  }
}

/** Every key under which an assertion can be written, for "did you mean". */
export const assertionKeys: readonly string[] = [
  ...Object.keys(assertionArgs),
  ...negatable.map((type) => keyOf(type, true)),
]

/** An assertion as written in YAML, for example `{not_contains: competitor, weight: 2}`. */
export const Assertion = z.lazy(() => z.union([...variants.values()].map((variant) => variant())))

// Only the variant whose key is written can take it. Where it does not, all are tried, and each says what it misses.
Assertion._zod.run = (payload, context) => {
  const key = Object.keys(Object(payload.value)).find((one) => variants.has(one)) ?? ''
  const read = variants.get(key)?.()._zod.run({ value: payload.value, issues: [] }, context)
  const isRead = read !== undefined && !(read instanceof Promise) && read.issues.length === 0
  return isRead ? read : Assertion._zod.parse(payload, context)
}
