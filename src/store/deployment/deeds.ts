// What the actions of a deployment file become: names under `actions` of guard.yaml, and words of a rollout's triggers.
import { type At, assumed, child, isMap, type Item, items, left, plain, said, use } from './outline.ts'
import { FLAG_FILE, modelNamed, nameOf, type Setting } from './setting.ts'

type Data = Record<string, unknown>
/** `only`: what of a rollout it concerns; without it, everything. */
export type Deed = {
  name: string
  action?: Data
  rollout?: 'rollback' | 'kill' | 'hold' | 'notify' | 'incident'
  only?: { component?: string; feature?: string }
}
/** `said`: it names actions, whether they could be carried over or not. */
export type Deeds = { said: boolean; deeds: Deed[] }

const webhook = (format: string, name: string): Data => ({ type: 'webhook', format, url_env: name })
const told: readonly [RegExp, Deed][] = [
  [/incident|pagerduty|^page|oncall|opsgenie/, { name: 'page', action: { type: 'pagerduty', routing_key_env: 'PAGERDUTY_ROUTING_KEY' }, rollout: 'incident' }],
  [/slack/, { name: 'slack', action: webhook('slack', 'SLACK_WEBHOOK_URL'), rollout: 'notify' }],
  [/teams/, { name: 'teams', action: webhook('teams', 'TEAMS_WEBHOOK_URL'), rollout: 'notify' }],
  [/^(pause|hold|freeze|halt|stop(the)?(canary|rollout|deployment|promotion))/, { name: 'hold', rollout: 'hold' }],
  [/^(notify|notification|alert|warn|webhook)/, { name: 'notify', action: webhook('json', 'AIGATE_WEBHOOK_URL'), rollout: 'notify' }],
] // biome-ignore format: a table

const EVERYTHING =
  /^(activate|trigger|engage)?(global|emergency)?(killswitch|kill|killall|emergencystop|shutdown|disableall|stopall|stopalltraffic|turnoff)$/
const OFF = /^(disable|turnoff|switchoff|kill|deactivate)(the)?/
const BACK = /rollback|rolback|revert|^rollto|previousversion|^restore/
/** Words that say how or when one goes back, and not what. */
const EMPTY = new Set(
  'auto automatic automatically immediate immediately instant instantly emergency full fully complete trigger initiate execute perform start go to the last known good stable previous prior old version release deployment everything all production canary current rollback rolback roll back revert restore traffic rollout and now'.split(
    ' ',
  ),
)
const KINDS: Readonly<Record<string, string>> = {
  prompt: 'prompt', prompts: 'prompt', model: 'model', models: 'model', index: 'index', embedding: 'index',
  embeddings: 'index', retrieval: 'index', knowledge: 'index', guardrail: 'guardrails', guardrails: 'guardrails',
  code: 'code', app: 'code', application: 'code', container: 'code', image: 'code', config: 'config', configuration: 'config',
} // biome-ignore format: one table

/** What the actions of a block become; those without a counterpart are reported. Undefined: nothing is said. */
export function deedsOf(setting: Setting, at: At | undefined): Deeds {
  const deeds: Deed[] = []
  let said = false
  const single = isMap(at?.value) && typeof child(at, 'type', 'action', 'name', 'do')?.value === 'string'
  for (const item of single && at !== undefined ? [{ path: at.path, value: at.value } as Item] : items(at)) {
    said = true
    deeds.push(...ofItem(setting, item, item.name))
  }
  return { said, deeds: deeds.filter((one, i) => deeds.findIndex(({ name }) => name === one.name) === i) }
}

/** `rollback`, `{type: rollback, component: prompt}`, `notify_slack: "#llm"`, `[rollback, alert]`. */
function ofItem(setting: Setting, item: At, name: string | undefined): Deed[] {
  const { outline } = setting
  if (item.value === false) {
    use(outline, item)
    return []
  }
  if (Array.isArray(item.value)) return items(item).flatMap((one) => ofItem(setting, one, undefined))
  if (!isMap(item.value)) {
    const text = name ?? said(item)
    const argument = name === undefined || item.value === true || item.value === null ? undefined : item
    return ofWord(setting, { at: item, text, argument })
  }
  const typed = child(item, 'type', 'action', 'name', 'do')
  if (typed !== undefined && typeof typed.value === 'string') {
    const argument = child(
      item,
      'flag',
      'feature',
      'feature_flag',
      'flag_name',
      'component',
      'target',
      'model',
      'channel',
    )
    use(outline, typed)
    return ofWord(setting, { at: item, text: typed.value, argument })
  }
  if (name !== undefined) {
    const argument = child(item, 'flag', 'feature', 'name', 'component', 'target', 'model', 'channel')
    return ofWord(setting, { at: item, text: name, argument })
  }
  return items(item).flatMap((one) => ofItem(setting, one, one.name))
}

type Word = { at: At; text: string; argument: At | undefined }

function ofWord(setting: Setting, { at, text, argument }: Word): Deed[] {
  const { outline } = setting
  const word = plain(text)
  const given = said(argument)
  const take = (deed: Deed | undefined): Deed[] => {
    if (deed === undefined) return []
    if (isMap(at.value)) use(outline, argument)
    else use(outline, at)
    return [deed]
  }
  if (EVERYTHING.test(word) && given === '')
    return take({ name: 'kill', action: { type: 'kill', path: FLAG_FILE }, rollout: 'kill' })
  if (OFF.test(word) || EVERYTHING.test(word) || word === 'featureflag')
    return take(switchedOff(setting, { at, text, argument }))
  if (/pullrequest|revertpr|revertcommit|gitrevert/.test(word))
    return refuse(setting, at, `"${text}": write it as revert-pull-request under actions, with its repository`)
  if (/issue|ticket|jira/.test(word) && !/incident/.test(word))
    return refuse(setting, at, `"${text}": write it as github-issue under actions, with its repository`)
  if (/^(switch|route|fallback|fall)/.test(word))
    return refuse(setting, at, `"${text}": a trigger has no fallback; write a breaker, whose flag has one`)
  if (BACK.test(word)) return take(goneBack(setting, { at, text, argument }))
  const [, deed] = told.find(([pattern]) => pattern.test(word)) ?? []
  if (deed === undefined)
    return refuse(setting, at, `the action "${text}" has no counterpart: write it as a command under actions`)
  if (given !== '' && deed.action !== undefined) {
    const { url_env, routing_key_env } = deed.action as Record<string, string | undefined>
    assumed(
      outline,
      at,
      `whom it tells ("${given}") is said by the address: put that of it into ${url_env ?? routing_key_env ?? ''}`,
    )
  }
  return take(deed)
}

function refuse({ outline }: Setting, at: At, why: string): [] {
  left(outline, at, why)
  return []
}

/** A rollback of everything, or of the component that is named; refused where production has none of that kind. */
function goneBack(setting: Setting, { at, text, argument }: Word): Deed | undefined {
  const rest = wordsOf(text).filter((one) => !EMPTY.has(one))
  const target = wordsOf(said(argument)).filter((one) => !EMPTY.has(one))
  const named = rest.length > 0 ? rest : target
  if (named.length === 0) return { name: 'rollback', action: { type: 'rollback' }, rollout: 'rollback' }
  const component = KINDS[named[0] ?? '']
  if (component === undefined || named.length > 1) {
    const exact = rest.length === 0 && argument !== undefined && setting.production.has(said(argument))
    if (exact) return backTo(said(argument))
    refuse(setting, at, `"${named.join(' ')}" is no component that goes back by itself`)
    return undefined
  }
  if (setting.production.known && !setting.production.has(component)) {
    refuse(
      setting,
      at,
      `production has no ${component} that could go back by itself: write its plane under \`production\` of aigate.yaml first`,
    )
    return undefined
  }
  setting.asked.add(component)
  return backTo(component)
}
const backTo = (component: string): Deed => ({
  name: `rollback-${nameOf(component)}`,
  action: { type: 'rollback', components: [component] },
  rollout: 'rollback',
  only: { component },
})
const wordsOf = (text: string): string[] =>
  text
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((one) => one !== '')

/** One feature, one model: never everything. Refused where it is not said which. */
function switchedOff(setting: Setting, { at, text, argument }: Word): Deed | undefined {
  const word = plain(text)
    .replace(OFF, '')
    .replace(/^(killswitch|switch)/, '')
  const given = said(argument)
  if (/model/.test(word) || plain(String(argument?.path.at(-1) ?? '')) === 'model') {
    const model = given === '' ? setting.parts?.release['model'] : (modelNamed(setting, given) ?? given)
    if (model !== undefined) {
      if (given === '') assumed(setting.outline, at, `"${text}" does not say which model: ${model}`)
      return { name: `kill-${nameOf(model)}`, action: { type: 'kill', path: FLAG_FILE, model } }
    }
    refuse(setting, at, `"${text}" does not say which model`)
    return undefined
  }
  const known = [...setting.features.keys()]
  const rest = word.replace(/^(feature|flag|featureflag|llm|ai)+/, '').replace(/(feature|flag|featureflag)+$/, '')
  const own = rest === '' ? undefined : known.find((name) => plain(name) === rest)
  const feature = given !== '' ? nameOf(given) : (own ?? (rest === '' && known.length === 1 ? known[0] : undefined))
  if (feature !== undefined) {
    if (given === '' && own === undefined)
      assumed(setting.outline, at, `"${text}" does not say which flag: ${feature} is the only one of the file`)
    return {
      name: `kill-${feature}`,
      action: { type: 'kill', path: FLAG_FILE, feature },
      rollout: 'kill',
      only: { feature },
    }
  }
  const which = known.length === 0 ? 'the file has no feature flag' : `the file has ${known.join(', ')}`
  refuse(setting, at, `"${text}" does not say which flag or feature (${which}): everything would be too much`)
  return undefined
}
