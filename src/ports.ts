// The plug-in types: what rooms hand to each other. Types only.
import type { AssertionOf, AssertionType } from './schema/assertion.ts'
import type { Config, ModelPin, ProviderConfig } from './schema/config.ts'
import type { GatePolicy } from './schema/gate.ts'
import type { EmbedRecord, JudgeConfig, JudgedType, JudgePromptName, JudgeRecord } from './schema/judge.ts'
import type { PromptOutput } from './schema/prompt.ts'
import type { RolloutPlan } from './schema/rollout.ts'
import type { Desired, Reading } from './schema/rollout-journal.ts'
import type { CaseInfo, Completion, ErrorKind } from './schema/run.ts'
import type { Case, CommandTarget, HttpTarget, Message, ModuleTarget, Suite, Tool } from './schema/suite.ts'
import type { Json } from './schema/values.ts'
import type { Outcome, Report } from './schema/verdict.ts'
import type * as z from 'zod'

/** A text stream of the world: stdout or stderr. */
export type Sink = { write(text: string): unknown; isTTY?: boolean | undefined; columns?: number | undefined }

/** How a command ends; `main` alone turns it into an exit code. */
export type Ending = Outcome | 'usage' | 'interrupted' | 'action_failed'

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

/** The configuration that was found: `root` is the absolute folder of aigate.yaml; every path in it is relative to that. */
export type Project = { root: string; file: string; config: Config }

/** A prompt file, read. `hash` is the SHA-256 (hex) of its normalised content; `file` is relative to the root. */
export type LoadedPrompt = {
  name: string
  version: string
  input: string[]
  description?: string | undefined
  /** The form of the answer, where the file says it. */
  output?: PromptOutput | undefined
  file: string
  hash: string
  messages: { role: Message['role']; template: string; line: number }[]
}

/** The target of a suite with every name looked up. */
export type ResolvedTarget =
  | {
      kind: 'prompt'
      prompt: LoadedPrompt
      model: { name: string; pin: ModelPin }
      /** Of the model and the suite together, as they are sent. */
      params: Record<string, Json>
      tools?: Tool[] | undefined
      response_format?: Record<string, Json> | undefined
      provider: { name: string; config: ProviderConfig }
    }
  | { kind: 'command'; target: z.infer<typeof CommandTarget> }
  | { kind: 'http'; target: z.infer<typeof HttpTarget> }
  | { kind: 'module'; target: z.infer<typeof ModuleTarget> }

/** A model of the registry with who serves it. */
export type ResolvedModel = { name: string; pin: ModelPin; provider: { name: string; config: ProviderConfig } }

/** A judge with every name looked up. `prompts`: all of them, each in the version that this judge is asked with. */
export type ResolvedJudge = Pick<JudgeConfig, 'votes' | 'output' | 'gold'> & {
  name: string
  model: ResolvedModel
  prompts: Readonly<Record<JudgePromptName, LoadedPrompt>>
}

/** Who besides the target is asked about the cases of a suite: judges and embedding models, by the name that assertions use. */
export type Graders = {
  judges: Readonly<Record<string, ResolvedJudge>>
  embeddings: Readonly<Record<string, ResolvedModel>>
  /** The judge, and the embedding model, of assertions that name none. */
  judge?: string | undefined
  embedding?: string | undefined
}

/** A suite, read: cases of every source in file order, with the assertions and threshold of the suite added to each. */
export type LoadedSuite = {
  suite: Suite
  /** Relative to the root, with forward slashes. */
  file: string
  /** Absolute folder of the suite file: `module` and `command` paths are relative to it. */
  dir: string
  cases: { case: Case; info: CaseInfo }[]
  target: ResolvedTarget
  policy: GatePolicy
  /** Absent: no assertion asks a model. */
  graders?: Graders | undefined
  /** Models that play users, by the name that cases use; absent: none does. */
  users?: Readonly<Record<string, ResolvedModel>> | undefined
}

/** Recorded answers, found by what was asked. Trial k never answers for trial j. */
export type Recordings = {
  find(key: string, trial: number): Completion | undefined
  add(entry: { key: string; trial: number; case: string; completion: Completion }): void
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
  /** Of a conversation: lets each of its calls go out when its turn has come. */
  turn?: CallTurn
}

/**
 * Waits until the limits and the budget allow one more call: to whoever is asked the conversation, or to `other` (a simulated
 * user). `refused` stands for a call that must not be made; `ended` is to be told what came of the one that was.
 */
export type CallTurn = (
  request: AskRequest,
  other?: Provider,
) => Promise<{ refused: Attempt } | { ended(attempt: Attempt, cost_usd: number | undefined): void }>

/** One attempt: the completion (attempts and cost are the engine's to fill in) and, when it failed, how to go on. */
export type Attempt = {
  completion: Completion
  /** Present on a transient failure: try again, not before so many milliseconds where the provider said so. */
  retry?: { after_ms?: number | undefined }
  /** What the provider said of its limits. */
  limits?: Limits | undefined
}

/** One limit as it stood when the provider answered. `reset_ms`: until all of it is there again. */
export type Limit = { limit?: number | undefined; remaining: number; reset_ms?: number | undefined }
/** `concurrent`: how many calls may be under way. */
export type Limits = { requests?: Limit | undefined; tokens?: Limit | undefined; concurrent?: number | undefined }

/** Somebody who answers. One call is one attempt: no retries inside. Never throws for a failure of the other side. */
export type Provider = {
  name: string
  concurrency: number
  /** Requests and tokens a minute that are never exceeded. */
  rpm?: number | undefined
  tpm?: number | undefined
  /** What is throttled on its own there: a model, an address. Its ceilings hold besides those of the provider. */
  lane?: { key: string; rpm?: number | undefined; tpm?: number | undefined } | undefined
  timeout_ms: number
  retries: number
  /** Milliseconds that a conversation may take, where that is more than one answer. */
  longest?: ((testCase: Case) => number) | undefined
  ask(request: AskRequest, signal: AbortSignal): Promise<Attempt>
  /** Where it takes many questions as one file, at its leisure and at a lower price: that is how it is asked. */
  batch?: BatchDoor | undefined
  /** Where several providers answer together: the one that is asked this. */
  ownerOf?: ((request: AskRequest) => Provider) | undefined
}

/** How a batch stands. `total`: requests in it. `ended` with a `problem`: not all of it was answered. */
export type BatchLook = {
  status: string
  done: number
  total: number
  ended: boolean
  problem?: string | undefined
  /** Where its answers are. */
  files: string[]
}
export type Failure = { failure: Attempt }
/** Questions sent as one file. Nothing throws for a failure of the other side; what is not undefined in `failure` says why. */
export type BatchDoor = {
  /** Content hash of who is asked. */
  address: string
  /** `id`: unique in the batch. `mark` is kept with the batch, to find it again. */
  submit(
    questions: readonly { id: string; request: AskRequest }[],
    mark: string,
    signal: AbortSignal,
  ): Promise<{ batch: string } | Failure>
  /** The batch with this mark; null: there is none. */
  find(mark: string, signal: AbortSignal): Promise<{ batch: string | null } | Failure>
  look(batch: string, signal: AbortSignal): Promise<BatchLook | Failure>
  /** What stands in the files of an ended batch, by the ids of the questions. */
  answers(files: readonly string[], signal: AbortSignal): Promise<{ answers: Map<string, Attempt> } | Failure>
}

/** A batch that was or may have been submitted and whose answers are not saved yet. `batch` null: it was about to be. */
export type PendingBatch = { mark: string; address: string; batch: string | null; ids: string[]; submitted_at: string }
/** Where batches are written down before they are waited for, so that none is paid twice. */
export type BatchBook = {
  pending(): Promise<PendingBatch[]>
  put(entry: PendingBatch): Promise<void>
  drop(mark: string): Promise<void>
}

/** Errors after which no call of the run can succeed: the run stops at once. */
export const fatalKinds: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['auth', 'quota', 'unknown_model', 'no_key'])

/** What an assertion looks at. `asked`: the messages as they were sent; absent where nobody knows them (imported results, records). */
export type Subject = { completion: Completion; case: Case; asked?: readonly Message[] | undefined }

/** `judged`: what judges did, where they made the grade. */
export type Grade = {
  score: number
  passed: boolean
  reason: string
  judged?: JudgeRecord | undefined
  embedded?: EmbedRecord | undefined
}

/** One question to judges. `told` is what the author of the suite wrote; `data` is under test: it is fenced, and never obeyed. */
export type JudgeQuestion = {
  prompt: JudgePromptName
  /** For recordings and errors. */
  case: string
  told: Readonly<Record<string, string>>
  data: Readonly<Record<string, string>>
  /** JSON Schema of the answer of the judge. */
  answer: Record<string, Json>
}
/** The JSON that a judge answered with, and what it took. `keep`: to be called once it turned out to be a verdict, for later runs. */
export type JudgeAnswer = { value: Json; completion: Completion; keep?: (() => void) | undefined }

/** The judges of one suite. */
export type JudgeTools = {
  /** Names of the judges that an assertion means, with how often each is asked. Throws Error on an unknown name. */
  panel(judge: string | readonly string[] | undefined, votes: number | undefined): { judge: string; votes: number }[]
  /** Vote number `vote` (from 1) of one judge. Throws Error, with the `completion` if there is one, when that is no verdict. */
  ask(judge: string, vote: number, question: JudgeQuestion): Promise<JudgeAnswer>
  /** Why an assertion of this type by these judges cannot block, and the least agreement; null: it may. */
  advisory(judges: readonly string[], type: JudgedType): string | null
}

/** What the baseline answered to a case: its text, that there is none to compare with, or why it cannot be known. */
export type BaselineAnswer = { text: string } | { none: string } | { problem: string }

/** Answers of judges and embedding models that were paid for before. `trial`: the vote. */
export type GraderMemory = {
  find(asked: { key: string; trial: number }, model: ResolvedModel): Completion | undefined
  add(asked: { key: string; trial: number; case: string }, model: ResolvedModel, completion: Completion): void
}

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
  /** Rejects when `work` takes longer. Absent: nobody keeps time. */
  within?: (<T>(work: Promise<T>, timeoutMs: number) => Promise<T>) | undefined
  /** Calls a function and breaks it off, with an Error, when it blocks the thread longer. Absent: nobody keeps time. */
  call?: (<T>(work: () => T, timeoutMs: number) => T) | undefined
  /** Absent where no judge can be asked. */
  judges?: JudgeTools | undefined
  /** One embedding a text, in their order, and what they took; without `model` the project's own. Absent where nobody can be asked. */
  embed?:
    | ((texts: readonly string[], model: string | undefined) => Promise<{ vectors: number[][]; took: EmbedRecord }>)
    | undefined
  /** Absent where there is no baseline to look at. */
  baselineAnswer?: ((id: string) => BaselineAnswer) | undefined
}

/** An assertion. `grade` gives the grade without `not_` and `threshold`: those are applied for all alike. Throws when it cannot grade. */
export type AssertionPlugin<T extends AssertionType> = {
  /** true: the same answer always gets the same grade, so that one failure of a critical case is proof. */
  deterministic: boolean | ((args: AssertionOf<T>['args']) => boolean)
  grade(args: AssertionOf<T>['args'], subject: Subject, tools: GraderTools): Grade | Promise<Grade>
}

/** Result to text; somebody else writes it. Never decides anything. */
export type Reporter = (
  report: Report,
  /** `ascii`: the terminal draws no box characters. */
  options: { color: boolean; columns: number; ascii?: boolean },
) => string

/** A plan, read and filled in: `hash` is the SHA-256 (hex) of its meaning, `file` is relative to the root. */
export type LoadedPlan = { plan: RolloutPlan; file: string; hash: string }

/** When which share was in force: blocks carry the generation, and events within `settle` after a change do not count. */
export type ShareChange = { at: number; generation: number; ppm: number }

/** What a source is asked: everything from its cursor up to `until` (milliseconds since 1970). */
export type SourceRequest = {
  plan: RolloutPlan
  cursor: Reading['cursor'] | null
  /** Start of the rollout; earlier events do not count, but teach what is normal for the baseline. */
  since: number
  until: number
  /** Blocks that start before this were returned already; they are not returned again, also when the cursor was lost. */
  closed: number | null
  /** Absolute folder where the source may keep what does not fit into a cursor (a table of units). */
  folder: string
  changes: readonly ShareChange[]
  /** Limits of absolute criteria and triggers by metric: `over` counts events above each. */
  limits: Readonly<Record<string, readonly number[]>>
  /** What is read is from before the rollout, when everybody was served the baseline: an event that says no arm is its. */
  past?: boolean
  /** true: every event counts as the baseline's, whatever it says of arms and rollouts: production as a whole. */
  whole?: boolean
  signal: AbortSignal
}
/** Somebody who reads live metrics. Throws AigateError `source_failed` where it cannot: that is no data, never a zero. */
export type Source = { read(request: SourceRequest): Promise<Reading> }

/** A control plane. `apply` converges to what is desired; `read` says what is really there now. Both throw AigateError `control_failed`. */
export type Actuator = {
  /** true: without renewal everybody is served the baseline after the lease. */
  leases: boolean
  apply(desired: Desired, signal: AbortSignal): Promise<void>
  /** Undefined where a value is not to be had from this plane. */
  read(
    signal: AbortSignal,
  ): Promise<{ ppm: number; generation?: number; killed?: boolean; lease_until?: string | null; components?: string[] }>
}

/** Where one component of production says which version runs. Both calls throw AigateError `control_failed`. */
export type Plane = {
  /** For people: `flag prompt in deploy/flags.json`. */
  where: string
  /** `version` null: not one version for everybody; `detail` says what is served instead. */
  read(signal: AbortSignal): Promise<{ version: string | null; detail?: string }>
  /**
   * Converges to `version`, may be repeated, and returns once the plane says that version when it is read. `key`: the same at every attempt.
   * @returns what people should know of it, as sentences without a full stop
   */
  apply(wanted: { version: string; key: string; reason: string }, signal: AbortSignal): Promise<readonly string[]>
}
