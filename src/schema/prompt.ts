// The front matter of a prompt file.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Json, Name, SemVer } from './values.ts'

export const PromptOutput = lateObject(() => ({
  format: z.enum(['text', 'json']).describe('What the answer is'),
  schema: z.record(z.string(), Json).optional().describe('JSON Schema of the answer, for `format: json`'),
})).refine(({ format, schema }) => schema === undefined || format === 'json', {
  path: ['schema'],
  error: 'a schema needs `format: json`',
})
export type PromptOutput = z.infer<typeof PromptOutput>

export const PromptHeader = lateObject(() => ({
  name: Name,
  version: SemVer,
  description: z.string().optional(),
  input: z.array(z.string().min(1)).default([]).describe('The variables of the template, all of them'),
  output: PromptOutput.optional().describe('The form of the answer; a change of it needs a new major version'),
}))
export type PromptHeader = z.infer<typeof PromptHeader>
