// A prompt file of another tool without tests: one prompt, one model, and a case of its sample input where it has one.
import { variablesOf } from './liquid-text.ts'
import { type Made, type MadeMessage, notEmpty } from './made.ts'
import { changed, type Data, type Job, left, type Part, textOf, child } from './parts.ts'

type Read = {
  name: string
  messages: readonly MadeMessage[]
  model: string
  samples: Data
  schema?: Data | undefined
  json?: boolean
}

/** Adds prompt and suite. Without a sample value for every variable there is no suite, and a note says so. */
export async function addPrompt(job: Job, made: Made, head: Part, read: Read): Promise<void> {
  const { name, messages, model, samples, schema, json } = read
  const input = [...new Set((await Promise.all(messages.map(({ template }) => variablesOf(template)))).flat())]
  const description = textOf(child(head, 'description'))
  const about = description === undefined ? {} : { description }
  const output = schema !== undefined ? { format: 'json', schema } : json ? { format: 'json' } : undefined
  made.prompts.push({ name, version: '1.0.0', ...about, input, ...(output === undefined ? {} : { output }), messages })
  for (const key of Object.keys(samples))
    if (!input.includes(key)) left(job, head, 'the prompt does not use this sample value', key)
  const lacking = input.filter((key) => !(key in samples))
  if (lacking.length > 0 || (input.length > 0 && Object.keys(samples).length === 0)) {
    changed(
      job,
      head,
      `it gives no sample for ${lacking.join(', ')}, so that there is no suite for it yet: write one with cases of your own`,
      'cases',
    )
    return
  }
  const assert = schema !== undefined ? [{ json_schema: schema }] : json ? [{ is_json: true }] : [notEmpty]
  if (assert[0] === notEmpty)
    changed(
      job,
      head,
      'the file does not say what a good answer is, so that only an empty one fails: write what it has to contain',
      'cases',
    )
  const vars = Object.fromEntries(input.map((key) => [key, samples[key]]))
  made.suites.push({
    suite: name,
    ...about,
    target: { prompt: `${name}@1.0.0`, model },
    cases: [{ id: 'sample', vars, assert }],
  })
}
