// Opens and resolves an incident through the PagerDuty Events API v2: one dedup_key is one incident, however often it is sent.
import type { GuardAction } from '../../schema/guard.ts'
import type { Json } from '../../schema/values.ts'
import { fillEnv } from '../put-in.ts'
import { tell } from './endpoint.ts'
import { type Notice, type NoticeWorld, plain, type ReadBack } from './notice.ts'

type PagerDuty = Extract<GuardAction, { type: 'pagerduty' }>
/** Longest dedup_key and summary that the API takes. */
const LONGEST = { key: 255, summary: 1024 }

/** Throws `control_failed`; the routing key is in no error. */
export async function tellPagerDuty(action: PagerDuty, notice: Notice, world: NoticeWorld): Promise<ReadBack> {
  const key = `aigate-${notice.guard}-${notice.incident}`.slice(0, LONGEST.key)
  const payload: Json = {
    summary: plain(`${notice.title}: ${notice.text}`, LONGEST.summary),
    source: `aigate ${notice.guard}`,
    severity: action.severity,
    timestamp: notice.at,
    component: plain(notice.cause),
    class: plain(notice.metric),
    custom_details: { metric: plain(notice.metric), value: notice.value, key: notice.key },
  }
  const body: Json = {
    routing_key: fillEnv(`\${${action.routing_key_env}}`, world.env),
    event_action: notice.resolve ? 'resolve' : 'trigger',
    dedup_key: key,
    ...(notice.resolve ? {} : { payload, client: 'aigate' }),
  }
  await tell({ url: action.url, body, key: notice.key, secrets: [action.routing_key_env] }, world)
  return { incident: key, state: notice.resolve ? 'resolved' : 'triggered' }
}
