// Asks a provider that speaks the OpenAI API for embeddings of texts, in batches.
import { AigateError } from '../errors.ts'
import type { ModelPin, OpenAiProvider } from '../schema/config.ts'
import { connect, keyNameOf } from './providers/openai.ts'
import { namesIn, redactor } from './redact.ts'

/** Texts of one request, and how much of a text is sent: what models read at most is about 8000 tokens. */
export const EMBEDDED_AT_ONCE = 64
const LONGEST = 24_000

/**
 * One embedding for each text, in their order; each different text is sent once.
 * @throws AigateError not_answered without any secret, where the provider does not answer; its `cause` is what failed
 */
export async function embedTexts(
  texts: readonly string[],
  {
    pin,
    provider,
    env,
    signal,
    onTokens,
  }: {
    pin: ModelPin
    provider: OpenAiProvider
    env: Readonly<Record<string, string | undefined>>
    signal: AbortSignal
    /** Told what each request took, where the provider says it. */
    onTokens?: (tokens: number) => void
  },
): Promise<number[][]> {
  const keyName = keyNameOf(provider)
  const names = [...(keyName === undefined ? [] : [keyName]), ...Object.values(provider.headers).flatMap(namesIn)]
  const absent = names.find((name) => (env[name] ?? '').trim() === '')
  if (absent !== undefined)
    throw failed(`The environment variable ${absent} is not set`, 'Set it to the key of the provider.')
  const different = [...new Set(texts.map((text) => (text === '' ? ' ' : text.slice(0, LONGEST))))]
  const found = new Map<string, number[]>()
  try {
    const client = await connect(provider, keyName === undefined ? 'none' : (env[keyName] ?? '').trim(), env)
    for (let start = 0; start < different.length; start += EMBEDDED_AT_ONCE) {
      const input = different.slice(start, start + EMBEDDED_AT_ONCE)
      const limit = AbortSignal.any([signal, AbortSignal.timeout(provider.timeout)])
      const body = { ...pin.params, model: pin.id, input, encoding_format: 'float' as const }
      const { data, usage } = await client.embeddings.create(body, { signal: limit })
      if (typeof usage?.prompt_tokens === 'number') onTokens?.(usage.prompt_tokens)
      for (const { index, embedding } of data) {
        const text = input[index]
        if (text !== undefined) found.set(text, embedding)
      }
    }
  } catch (error) {
    const said = redactor(env, names)(error instanceof Error ? error.message : String(error)).slice(0, 300)
    const told = failed(
      `${pin.provider} gave no embeddings: ${said}`,
      'Check the model and the address of its provider.',
    )
    throw Object.assign(told, { cause: error })
  }
  return texts.map((text) => {
    const one = found.get(text === '' ? ' ' : text.slice(0, LONGEST))
    if (one === undefined) throw failed(`${pin.provider} left an embedding out`, 'Ask again, or take another measure.')
    return one
  })
}

const failed = (problem: string, mend: string) =>
  new AigateError('not_answered', { problem: problem.replace(/\.$/, ''), mend })
