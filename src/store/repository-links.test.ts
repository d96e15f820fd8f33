// Links of a repository: followed, in chains and through folders, but not out of it and not in circles.
import { expect, it } from 'vitest'
import { realPath } from './repository-links.ts'

const links = new Map([
  ['evals', 'ev'],
  ['ev/cases.jsonl', '../data/real.jsonl'],
  ['data', 'a/b'],
  ['round', 'trip'],
  ['trip', 'round'],
  ['out', '../other'],
  ['far', '/etc'],
  ['self', '.'],
])
it.each([
  ['plain/file', 'plain/file'],
  ['evals/cases.jsonl', 'a/b/real.jsonl'],
  ['./evals/', 'ev'],
  ['self/self/x', 'x'],
  ['round', null],
  ['out/x', null],
  ['far', null],
  ['../x', null],
  ['', '.'],
])('%s leads to %s', (path, real) => {
  expect(realPath(path, links)).toBe(real)
})
