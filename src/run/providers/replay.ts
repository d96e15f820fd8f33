// Recorded answers: a provider that gives them back, and one that records what another provider answers.
import type { Attempt, Provider, Recordings } from '../../ports.ts'

/**
 * A provider that answers from recordings and asks nobody. A missing recording is the error `not_recorded`, which is
 * neither fatal nor tried again, so that a run counts all that are missing. Latency is the recorded one; attempts are 0.
 */
export function replayProvider(name: string, recordings: Recordings): Provider {
  return {
    name,
    concurrency: 64,
    timeout_ms: 60_000,
    retries: 0,
    ask: async ({ key, trial, case: { id } }): Promise<Attempt> => {
      const found = recordings.find(key, trial)
      if (found) return { completion: { ...found, attempts: 0, replayed: true } }
      const message = `No answer is recorded for trial ${trial} of case ${id} as it is asked now. Record it with \`aigate eval --record\`.`
      return {
        completion: {
          outcome: 'error',
          text: '',
          tool_calls: [],
          error: { kind: 'not_recorded', message },
          latency_ms: 0,
          attempts: 0,
        },
      }
    },
  }
}

/** The provider itself, but every answer that is a measurement (answered, refused, truncated) is added to the recordings. */
export function recordingProvider(inner: Provider, recordings: Recordings): Provider {
  return {
    ...inner,
    ask: async (request, signal) => {
      const attempt = await inner.ask(request, signal)
      const { completion } = attempt
      if (completion.outcome !== 'error' && completion.outcome !== 'timeout') {
        recordings.add({ key: request.key, trial: request.trial, case: request.case.id, completion })
      }
      return attempt
    },
  }
}
