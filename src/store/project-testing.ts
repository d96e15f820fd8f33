// For tests: a real project in a temporary folder, with one good suite and one good prompt to break.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { AigateError, type Place } from '../errors.ts'
import { flatten } from './faults.ts'

export const goodConfig = `version: 1
providers:
  openai: {type: openai, api_key_env: OPENAI_API_KEY}
models:
  main: {provider: openai, id: gpt-4o-2024-11-20, params: {temperature: 0.2}, rollback_to: prev}
  prev: {provider: openai, id: gpt-4o-2024-08-06}
gate: {min_pass_rate: 0.8, latency_p95: {max: 2s, max_increase: 10%}}
`
export const goodPrompt = `---
name: support/answer
version: 1.2.0
input: [question]
---
system:
You are a support agent.

user:
{{ question }}
`
export const goodSuite = `suite: support
version: 1.3.0
target: {prompt: support/answer@1.2.0, model: main}
assert: [{max_words: 120}]
cases:
  - id: tc_001
    category: summarise
    tags: [smoke]
    vars: {question: "Summarize: Revenue up 32%"}
    assert: [{contains: ["4.2M", "32%"]}]
  - id: tc_003
    critical: true
    vars: {question: "What is our refund policy?"}
    assert: [{contains: refund}, {not_contains: competitor}]
`
export const goodFiles: Record<string, string | Uint8Array> = {
  'aigate.yaml': goodConfig,
  'prompts/support/answer/1.2.0.md': goodPrompt,
  'evals/support.suite.yaml': goodSuite,
}

/** Writes files below a new temporary folder that is removed when the test ends. */
export function folderWith(files: Record<string, string | Uint8Array>): string {
  const folder = mkdtempSync(join(tmpdir(), 'aigate-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

/** What a rejected promise says: `file:line:column message`, one entry an error. Anything else than AigateError fails. */
export async function problemsOf(promise: Promise<unknown>): Promise<string[]> {
  return (await errorsOf(promise)).map(oneLine)
}

export async function errorsOf(promise: Promise<unknown>): Promise<AigateError[]> {
  try {
    await promise
  } catch (error) {
    if (error instanceof AigateError) return flatten([error])
    throw error
  }
  throw new Error('expected an AigateError, but nothing was thrown')
}

export function oneLine(error: AigateError): string {
  const where = (place: Place) => [place.file, place.line, place.column].filter((part) => part !== undefined).join(':')
  return [...error.places.map(where), error.message].join(' ')
}
