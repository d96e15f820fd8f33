// What is said of tools that were asked for what nobody recorded.
import { expect, it } from 'vitest'
import { NOT_RECORDED, type Step } from '../../schema/conversation.ts'
import { observe } from '../run-testing.ts'
import { toolWarnings } from './tool-warnings.ts'

const trial = (...steps: Step[]) => {
  const one = observe('c000', 1, { passed: true })
  return { ...one, completion: { ...one.completion, conversation: { steps, calls: 1, ended: 'answered' as const } } }
}
const tool = (content: string, more: Partial<Step> = {}): Step => ({
  role: 'tool',
  turn: 1,
  name: 'find',
  content,
  ...more,
})

it('warns once, with the tools and how many conversations', () => {
  const lacking = tool(`${NOT_RECORDED} find with these arguments`, { error: true })
  const other = tool(`${NOT_RECORDED} open with these arguments`, { error: true, name: 'open' })
  const [warning, ...more] = toolWarnings([[trial(lacking, other), trial(lacking)], [trial()]])
  expect(warning).toMatch(/^In 2 conversations a tool was called .* \(find, open\): the model was told an error\./)
  expect(more).toEqual([])
})
it('says nothing of errors that were recorded, and of texts that look like it', () => {
  const down = tool('Error: down', { error: true })
  const quoted = tool(`${NOT_RECORDED} x`)
  expect(toolWarnings([[trial(down), trial(quoted)], [observe('c000', 1, { passed: true })]])).toEqual([])
})
