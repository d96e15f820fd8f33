// What is shown of a program that failed: the lines that tell why, bounded, without secrets.
import { expect, it } from 'vitest'
import { tellingLines } from './run-program.ts'

it.each([
  [
    'a branch that is protected',
    "remote: error: GH006: Protected branch update failed for refs/heads/main.\nTo github.com:a/b\n ! [remote rejected] main -> main (protected branch hook declined)\nerror: failed to push some refs to 'github.com:a/b'\n",
    'error: GH006: Protected branch update failed for refs/heads/main.; ! [remote rejected] main -> main (protected branch hook declined)',
  ],
  [
    'a lock',
    "fatal: Unable to create '/r/.git/index.lock': File exists.\n\nAnother git process seems to be running in this repository, e.g.\nan editor opened by 'git commit'.\nremove the file manually to continue.\n",
    "fatal: Unable to create '/r/.git/index.lock': File exists.",
  ],
  [
    'a stack of Node',
    'file:1\n  at x\nTypeError: y is not a function\n    at z (file:1:1)\n\nNode.js v20\n',
    'TypeError: y is not a function',
  ],
  [
    'a traceback of Python',
    'Traceback (most recent call last):\n  File "a.py"\nValueError: no key\n',
    'ValueError: no key',
  ],
  ['no line that names an error: the last one', 'starting\nalias is locked by ops\n', 'alias is locked by ops'],
  ['nothing', ' \n', ''],
])('%s', (_, stderr, shown) => {
  expect(tellingLines(stderr, {})).toBe(shown)
})

it('is bounded, and hides what variables named like secrets hold', () => {
  const many = Array.from({ length: 50 }, (_, at) => `error ${at}: ${'x'.repeat(300)}`).join('\n')
  expect(tellingLines(many, {}).length).toBeLessThanOrEqual(400)
  expect(tellingLines('error: denied for s3cr3t-value', { API_KEY: 's3cr3t-value' })).toBe(
    'error: denied for [redacted]',
  )
})
