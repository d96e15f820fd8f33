// Tells a webhook: the plain facts, or the bodies that Slack and Microsoft Teams show.
import type { GuardAction } from '../../schema/guard.ts'
import type { Json } from '../../schema/values.ts'
import { tell } from './endpoint.ts'
import { type Notice, type NoticeWorld, plain, type ReadBack } from './notice.ts'

type Webhook = Extract<GuardAction, { type: 'webhook' }>

/** Signs that Slack reads as links and mentions: https://api.slack.com/reference/surfaces/formatting#escaping. */
const slackText = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

function slackBody({ title, text, guard, metric, key }: Notice): Json {
  const [head, said] = [slackText(plain(title, 140)), slackText(plain(text, 2800))]
  return {
    text: `${head}: ${said}`,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: plain(title, 140) } },
      { type: 'section', text: { type: 'mrkdwn', text: said } },
      {
        type: 'context',
        elements: [{ type: 'mrkdwn', text: slackText(plain(`guard ${guard} · ${metric} · ${key}`, 1000)) }],
      },
    ],
  }
}

/** A message with an adaptive card, as workflows of Teams take it. */
function teamsBody({ title, text, guard, metric, at, key }: Notice): Json {
  const facts = [
    { title: 'Guard', value: plain(guard) },
    { title: 'Metric', value: plain(metric) },
    { title: 'Since', value: at },
    { title: 'Key', value: plain(key) },
  ]
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            { type: 'TextBlock', size: 'Large', weight: 'Bolder', wrap: true, text: plain(title, 200) },
            { type: 'TextBlock', wrap: true, text: plain(text, 3000) },
            { type: 'FactSet', facts },
          ],
        },
      },
    ],
  }
}

function plainBody(notice: Notice): Json {
  return { aigate: 'notice', version: 1, ...notice, title: plain(notice.title), text: plain(notice.text, 3000) }
}

const bodies: Record<Webhook['format'], (notice: Notice) => Json> = {
  json: plainBody,
  slack: slackBody,
  teams: teamsBody,
}

/** Posts the notice with its key as Idempotency-Key. Throws `control_failed`. */
export async function tellWebhook(action: Webhook, notice: Notice, world: NoticeWorld): Promise<ReadBack> {
  const url = action.url_env === undefined ? (action.url ?? '') : `\${${action.url_env}}`
  await tell({ url, headers: action.headers, body: bodies[action.format](notice), key: notice.key }, world)
  return { told: action.format }
}
