// The front matter of a prompt file.
import * as z from 'zod'
import { Name, SemVer } from './values.ts'

export const PromptHeader = z.strictObject({
  name: Name,
  version: SemVer,
  description: z.string().optional(),
  input: z.array(z.string().min(1)).default([]).describe('The variables of the template, all of them'),
})
export type PromptHeader = z.infer<typeof PromptHeader>
