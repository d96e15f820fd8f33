// What a run through batches needs besides: the book of those under way, a word while one waits, and a policy that they can meet.
import { join } from 'node:path'
import { AigateError } from '../../errors.ts'
import type { BatchLook, LoadedSuite } from '../../ports.ts'
import { openBatchBook } from '../../store/batch-book.ts'
import type { AskOptions } from '../options.ts'
import type { Session } from './session.ts'
import { isConversation } from '../../run/agents/conversation.ts'

/** Where batches are written down, and what is said while they are waited for. */
export function batching({ context, project }: Session, { suite }: LoadedSuite) {
  const book = openBatchBook(join(project.root, '.aigate', 'batches'))
  let said = ''
  const onLook = (batch: string, { status, done, total }: BatchLook) => {
    const now = `${suite.suite}: batch ${batch} is ${status.replaceAll('_', ' ')}${total > 0 ? `, ${done} of ${total}` : ''}`
    // On a terminal the line of the progress goes first.
    if (now !== said) context.stderr.write(`${context.stderr.isTTY ? '\r\u001b[K' : ''}${now}\n`)
    said = now
  }
  return { scope: suite.suite, batches: { book, now: () => context.now(), onLook } }
}

/** @throws AigateError `usage` before anything is paid for, where no batch can answer a suite, or tell what it gates */
export function requireBatchable(suites: readonly LoadedSuite[], { batch, offline, record }: AskOptions): void {
  const batched = suites.filter(({ target }) => {
    if (offline || record || target.kind !== 'prompt') return false
    const { config } = target.provider
    return config.type === 'openai' && (batch === true || config.mode === 'batch')
  })
  const named = (those: readonly LoadedSuite[]) => those.map(({ suite }) => suite.suite).join(', ')
  for (const gate of ['latency_p95', 'time_to_first_token_p95'] as const) {
    const timed = batched.filter(({ policy }) => policy[gate] !== undefined)
    if (timed.length === 0) continue
    throw new AigateError('usage', {
      problem: `The policy of ${named(timed)} has a gate on latency (${gate}), and a batch tells no latencies.`,
      mend: `Ask it live, or give the nightly suite a policy without ${gate}.`,
    })
  }
  for (const { target } of batched) {
    const { name, config } = target.kind === 'prompt' ? target.provider : {}
    if (config?.type === 'openai' && config.api_version !== undefined)
      throw new AigateError('usage', {
        problem: `${name} is a deployment of Azure, whose batches aigate does not know.`,
        mend: 'Ask it live: leave out --batch, and `mode: batch` of the provider.',
      })
  }
  const talking = batched.filter(({ cases }) => cases.some((one) => isConversation(one.case)))
  if (talking.length > 0)
    throw new AigateError('usage', {
      problem: `${named(talking)} has conversations, and a batch holds one answer to each question.`,
      mend: 'Ask it live, or leave the cases with turns, tools or a user in a suite of their own.',
    })
}
