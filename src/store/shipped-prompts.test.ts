// The prompts of judges that are shipped: the same texts as the files that their own gate holds, and good prompts.
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { judgePromptNames } from '../schema/judge.ts'
import { parsePrompt } from './prompts.ts'
import { shippedPrompts } from './shipped-prompts.ts'

const folder = join(import.meta.dirname, '..', '..', 'evals', 'prompts')

it('one for each question to a judge', () => {
  expect(shippedPrompts.map(({ name }) => name).sort()).toEqual(judgePromptNames.map((name) => `judge/${name}`).sort())
})

it.each(shippedPrompts)(
  '$name@$version is what lies under evals/prompts, fences all that it judges, and can be read',
  async (one) => {
    const { name, version, text } = one
    await expect(text).toMatchFileSnapshot(join(folder, name, `${version}.md`))
    const prompt = await parsePrompt(text, `${name}/${version}.md`, one)
    expect(prompt.input[0]).toBe('fence')
    const user = prompt.messages.find(({ role }) => role === 'user')?.template ?? ''
    const data = prompt.input.filter((variable) => !['fence', 'criteria', 'scale'].includes(variable))
    for (const variable of data) expect(user).toContain(`BEGIN {{ fence }}\n{{ ${variable} }}\nEND {{ fence }}`)
    // Nothing that is judged stands anywhere else.
    const system = prompt.messages.find(({ role }) => role === 'system')?.template ?? ''
    for (const variable of data) expect(system).not.toContain(`{{ ${variable} }}`)
  },
)
