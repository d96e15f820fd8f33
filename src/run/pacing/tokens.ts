// How many tokens a request may take, before anybody has counted them: from the length of its texts and its max_tokens.
import type { AskRequest } from '../../ports.ts'

export type TokenEstimate = {
  input: number
  output: number
  /** The request itself limits its answer. */
  limited: boolean
}

/** UTF-8 bytes a token: fewer than in English prose (4) or code (3.3), as many as in Chinese and Japanese (3 a character). */
const BYTES = 3
/** What a message takes besides its text. */
const PER_MESSAGE = 4
/** Answers of nobody knows what length are taken for so long, until some have come. */
export const UNKNOWN_ANSWER = 500

/** Rather too many than too few. `meanOutput`: of the answers so far, for requests that do not limit theirs. */
export function estimateTokens(request: AskRequest, meanOutput: number = UNKNOWN_ANSWER): TokenEstimate {
  let bytes = 0
  for (const { content, tool_calls } of request.messages) {
    bytes += Buffer.byteLength(content)
    if (tool_calls) bytes += Buffer.byteLength(JSON.stringify(tool_calls))
  }
  if (request.tools) bytes += Buffer.byteLength(JSON.stringify(request.tools))
  if (request.response_format) bytes += Buffer.byteLength(JSON.stringify(request.response_format))
  const input = Math.ceil(bytes / BYTES) + PER_MESSAGE * (request.messages.length + 1)
  const params = request.model?.params ?? {}
  const written = params['max_completion_tokens'] ?? params['max_tokens']
  const limited = typeof written === 'number' && written > 0
  const answers = typeof params['n'] === 'number' && params['n'] > 1 ? params['n'] : 1
  return { input, output: Math.ceil((limited ? written : meanOutput) * answers), limited }
}
