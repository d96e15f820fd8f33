// The plug-in types: what rooms hand to each other. Types only.
import type { Assertion, AssertionOf, AssertionType } from './schema/assertion.ts'
import type { Completion, ErrorKind } from './schema/run.ts'
import type { Case, Message, Tool } from './schema/suite.ts'
import type { Json } from './schema/values.ts'
import type { Report } from './schema/verdict.ts'

/** A text stream of the world: stdout or stderr. */
export type Sink = { write(text: string): unknown; isTTY?: boolean | undefined; columns?: number | undefined }

/** The world, handed in once from `main`. Nothing else reads the clock, the environment or the streams. */
export type Context = {
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  stdout: Sink
  stderr: Sink
  now(): Date
  /** Milliseconds from an arbitrary start that never go back. */
  monotonic(): number
  /** Aborted on Ctrl-C. */
  signal: AbortSignal
  toolVersion: string
}

/** One question, fully rendered. `key` is the content hash of everything that decides the answer, trial apart. */
export type AskRequest = {
  key: string
  case: Case
  trial: number
  messages: Message[]
  model?: { id: string; params: Record<string, Json> }
  tools?: Tool[]
  response_format?: Record<string, Json>
}

/** One attempt: the completion (attempts and cost are the engine's to fill in) and, when it failed, how to go on. */
export type Attempt = {
  completion: Completion
  /** Present on a transient failure: try again, not before so many milliseconds where the provider said so. */
  retry?: { after_ms?: number | undefined }
}

/** Somebody who answers. One call is one attempt: no retries inside. Never throws for a failure of the other side. */
export type Provider = {
  name: string
  concurrency: number
  rpm?: number | undefined
  timeout_ms: number
  retries: number
  ask(request: AskRequest, signal: AbortSignal): Promise<Attempt>
}

/** Errors after which no call of the run can succeed: the run stops at once. */
export const fatalKinds: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'auth',
  'quota',
  'unknown_model',
  'bad_request',
  'no_key',
])

/** What an assertion looks at. */
export type Subject = { completion: Completion; case: Case }

export type Grade = { score: number; passed: boolean; reason: string }

/** Effects that an assertion may need, handed in: `score/` itself touches nothing. Each throws Error on failure. */
export type GraderTools = {
  /** Runs a program with text on stdin. Rejects when it cannot be started or exceeds the timeout. */
  runCommand(
    argv: string[],
    stdin: string,
    timeoutMs: number,
  ): Promise<{ exitCode: number; stdout: string; stderr: string }>
  /** Loads one export of a JavaScript or TypeScript file, relative to the folder of the suite. */
  loadExport(path: string, name: string): Promise<unknown>
}

/** An assertion. `grade` gives the grade without `not_` and `threshold`: those are applied for all alike. Throws when it cannot grade. */
export type AssertionPlugin<T extends AssertionType> = {
  /** true: the same answer always gets the same grade, so that one failure of a critical case is proof. */
  deterministic: boolean
  grade(args: AssertionOf<T>['args'], subject: Subject, tools: GraderTools): Grade | Promise<Grade>
}

/** Result to text; somebody else writes it. Never decides anything. */
export type Reporter = (report: Report, options: { color: boolean; columns: number }) => string

export type { Assertion }
