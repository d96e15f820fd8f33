// Asks a provider that speaks the OpenAI API for embeddings of texts, in batches.
import { AigateError } from '../errors.ts'
import type { ModelPin, OpenAiProvider } from '../schema/config.ts'
import { connect, keyNameOf } from './providers/openai.ts'
import { namesIn, redactor } from './redact.ts'

/** Texts of one request, and how much of a text is sent: what models read at most is about 8000 tokens. */
const BATCH = 64
const LONGEST = 24_000

/**
 * One embedding for each text, in their order; each different text is sent once.
 * @throws AigateError source_failed without any secret, where the provider does not answer
 */
export async function embedTexts(
  texts: readonly string[],
  {
    pin,
    provider,
    env,
    signal,
  }: {
    pin: ModelPin
    provider: OpenAiProvider
    env: Readonly<Record<string, string | undefined>>
    signal: AbortSignal
  },
  /** Is told of every request that was answered; `tokens` null: the provider did not tell. */
  answered: (request: { tokens: number | null }) => void = () => undefined,
): Promise<number[][]> {
  const keyName = keyNameOf(provider)
  const names = [...(keyName === undefined ? [] : [keyName]), ...Object.values(provider.headers).flatMap(namesIn)]
  const absent = names.find((name) => (env[name] ?? '').trim() === '')
  if (absent !== undefined)
    throw failed(`the environment variable ${absent} is not set`, 'Set it to the key of the provider.')
  const different = [...new Set(texts.map((text) => (text === '' ? ' ' : text.slice(0, LONGEST))))]
  const found = new Map<string, number[]>()
  try {
    const client = await connect(provider, keyName === undefined ? 'none' : (env[keyName] ?? '').trim(), env)
    for (let start = 0; start < different.length; start += BATCH) {
      const input = different.slice(start, start + BATCH)
      const limit = AbortSignal.any([signal, AbortSignal.timeout(provider.timeout)])
      const body = { ...pin.params, model: pin.id, input, encoding_format: 'float' as const }
      const { data, usage } = await client.embeddings.create(body, { signal: limit })
      answered({ tokens: (usage as typeof usage | undefined)?.prompt_tokens ?? null })
      for (const { index, embedding } of data) {
        const text = input[index]
        if (text !== undefined) found.set(text, embedding)
      }
    }
  } catch (error) {
    const said = redactor(env, names)(error instanceof Error ? error.message : String(error)).slice(0, 300)
    throw failed(`${pin.provider} gave no embeddings: ${said}`, 'Check the model and the address of its provider.')
  }
  return texts.map((text) => {
    const one = found.get(text === '' ? ' ' : text.slice(0, LONGEST))
    if (one === undefined) throw failed(`${pin.provider} left an embedding out`, 'Ask again, or take another measure.')
    return one
  })
}

const failed = (problem: string, mend: string) => new AigateError('source_failed', { problem, mend })
