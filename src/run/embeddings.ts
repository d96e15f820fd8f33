// Asks a provider that speaks the OpenAI API for embeddings of texts, in batches.
import { AigateError } from '../errors.ts'
import type { ModelPin, OpenAiProvider } from '../schema/config.ts'
import { keyNameOf, sender } from './providers/openai.ts'
import { failureOfReply, isRecord } from './providers/openai-failure.ts'
import { namesIn, redactor } from './redact.ts'

/** Texts of one request, and how much of a text is sent: what models read at most is about 8000 tokens. */
const BATCH = 64
const LONGEST = 24_000

/**
 * One embedding for each text, in their order; each different text is sent once. `progress` is told how many are done.
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
): Promise<number[][]> {
  const keyName = keyNameOf(provider)
  const names = [...(keyName === undefined ? [] : [keyName]), ...Object.values(provider.headers).flatMap(namesIn)]
  const absent = names.find((name) => (env[name] ?? '').trim() === '')
  if (absent !== undefined)
    throw failed(`the environment variable ${absent} is not set`, 'Set it to the key of the provider.')
  const different = [...new Set(texts.map((text) => (text === '' ? ' ' : text.slice(0, LONGEST))))]
  const found = new Map<string, number[]>()
  try {
    const key = keyName === undefined ? 'none' : (env[keyName] ?? '').trim()
    const send = sender(provider, key, env, '/embeddings')
    for (let start = 0; start < different.length; start += BATCH) {
      const input = different.slice(start, start + BATCH)
      const limit = AbortSignal.any([signal, AbortSignal.timeout(provider.timeout)])
      const body = { ...pin.params, model: pin.id, input, encoding_format: 'float' as const }
      const reply = await send(pin.id, JSON.stringify(body), limit)
      if (reply.status < 200 || reply.status > 299) throw new Error(failureOfReply(reply).completion.error?.message)
      for (const [place, embedding] of vectorsIn(reply.text)) {
        const text = input[place]
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

/** The embeddings of an answer with the place of the text that each is for. */
function vectorsIn(text: string): [number, number[]][] {
  const body: unknown = JSON.parse(text)
  const data: unknown[] = isRecord(body) && Array.isArray(body['data']) ? body['data'] : []
  return data.flatMap((one): [number, number[]][] => {
    if (!isRecord(one) || typeof one['index'] !== 'number' || !Array.isArray(one['embedding'])) return []
    const { index, embedding } = one
    return embedding.every((value) => typeof value === 'number') ? [[index, embedding]] : []
  })
}

const failed = (problem: string, mend: string) => new AigateError('source_failed', { problem, mend })
