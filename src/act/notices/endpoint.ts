// One call to an endpoint that is told something: retried, with the key of the notice, and with its secrets out of every error.
import type { Json } from '../../schema/values.ts'
import { partsOfAddress, withoutSecrets } from '../../secrets.ts'
import { callHttp } from '../http.ts'
import { fillEnv, secretsIn } from '../put-in.ts'
import type { NoticeWorld } from './notice.ts'

const TIMEOUT_MS = 10_000

/** `url` and `headers` may hold `${NAME}` of the environment; `secrets`: names of variables that the body holds too. */
export type Told = {
  url: string
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: Json
  key?: string
  secrets?: readonly string[]
  /** true: one attempt alone, for what must not be repeated unseen. */
  alone?: boolean
}

/**
 * The text of a 2xx answer. A timeout, a broken connection, 408, 429 and 5xx are tried twice more. Throws `control_failed`
 * that shows neither the address nor what a secret holds.
 */
export async function tell(
  { url, method = 'POST', headers = {}, body, key, secrets = [], alone = false }: Told,
  world: NoticeWorld,
) {
  const { env, signal, timeoutMs = TIMEOUT_MS } = world
  const address = fillEnv(url, env)
  const named = secrets.map((name) => `\${${name}}`)
  const values = secretsIn([url, ...Object.values(headers), ...named], env)
  const hidden = [...values, ...(address === url ? [] : partsOfAddress(address))]
  const say = (text: string) => withoutSecrets(text, env, hidden)
  return callHttp(
    { url: address, method, headers, ...(body === undefined ? {} : { body }) },
    {
      words: {},
      env,
      signal,
      say,
      timeoutMs,
      ...(key === undefined ? {} : { key }),
      ...(alone ? { retries: [] } : {}),
    },
  )
}
