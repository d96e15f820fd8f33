// aigate rollback: puts production back to the last known good release; says what it would do unless --apply is there.
import { aimOf } from '../../decide/rollback/target.ts'
import { planText, resultText } from '../../decide/rollback/text.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending } from '../../ports.ts'
import { PlainLine } from '../../schema/release.ts'
import { killLines } from './kill-files.ts'
import { lastKnownGood } from '../../decide/rollback/rollback-needs.ts'
import { type Rescued, rescuedLedger } from '../../store/ledger-rescue.ts'
import { releasesFolder } from '../../store/ledger.ts'
import { loadProject } from '../../store/project.ts'
import { say } from '../versions/release.ts'
import { type Aimed, type Opened, planesOf, planNow, type RollbackOptions, UNREAD } from './rollback-plan.ts'

/**
 * @returns plan: pass, fail where something is in the way, invalid where a plane cannot be read; apply: pass or
 * action_failed; drill: pass, fail, or inconclusive where a plane has nothing to be drilled on
 */
export async function rollbackCommand(
  context: Context,
  components: readonly string[],
  options: RollbackOptions,
): Promise<Ending> {
  checkOptions(options)
  try {
    return await goBack(context, components, options)
  } catch (error) {
    if (context.signal.aborted) return 'interrupted'
    throw error
  }
}

async function goBack(context: Context, components: readonly string[], options: RollbackOptions): Promise<Ending> {
  const start = context.monotonic()
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const folder = releasesFolder(project)
  const { records, damage } = await rescuedLedger(folder)
  if (damage) context.stderr.write(`warning: ${damage.problem} This goes on with ${damage.from}. ${damage.mend}\n`)
  const planes = planesOf(project, options.env)
  const opened = { project, folder, records, planes }
  const aimed = await aimNow(context, opened, { components, options, damage })
  if (!aimed) return nothingToGoBackTo(context, options)
  if (options.drill) {
    const { drillRollback } = await import('./rollback-drill.ts')
    const { ending, result } = await drillRollback(context, opened, aimed, options)
    say(context, options.json, { aigate: 'rollback-drill', outcome: ending, ...result }, resultText(result))
    return ending
  }
  if (options.apply) {
    const { applyRollback } = await import('./rollback-apply.ts')
    const { ending, result } = await applyRollback(context, opened, aimed, { options, start })
    say(context, options.json, { aigate: 'rollback', outcome: ending, ...result }, resultText(result))
    return ending
  }
  const { plan } = await planNow(context, opened, aimed, options)
  const asked = Object.entries({ '--to': options.to, '--config': options.config }).flatMap(([flag, value]) =>
    value === undefined ? [] : [flag, value],
  )
  if (options.env !== 'production') asked.push('--env', options.env)
  const apply = ['aigate rollback', ...components, ...asked, '--apply'].join(' ')
  const kills = await killLines(context, project)
  const text = `${planText(plan, { apply })}${kills.map((line) => `${line}\n`).join('')}`
  say(context, options.json, { aigate: 'rollback-plan', ...plan, ...(kills.length > 0 && { kills }) }, text)
  if (plan.left.length > 0 || plan.steps.some(({ state }) => state === 'blocked')) return 'fail'
  return plan.steps.some(({ now, detail }) => now === null && detail?.startsWith(UNREAD)) ? 'invalid' : 'pass'
}

type Asked = { components: readonly string[]; options: RollbackOptions; damage: Rescued['damage'] }

/** null: there is nothing to go back to. Where the record of what runs may be lost, production says what runs. */
async function aimNow(context: Context, opened: Opened, asked: Asked): Promise<Aimed | null> {
  const { components, options, damage } = asked
  const { records, planes } = opened
  const { env, to } = options
  if (damage && !records.some((one) => one.kind === 'release' && one.manifest.env === env)) {
    context.stderr.write(`error: Nothing that can be read of the ledger says what ${env} could go back to.\n`)
    return null
  }
  const aim = aimOf(records, { env, components, to, planes })
  const aimed = aim.target ? { ...aim, target: aim.target } : null
  const newest = damage?.lost && to === undefined ? lastKnownGood(records, env, 'counted') : null
  if (!newest || newest.id === aimed?.target.id) return aimed
  const because = 'the newest that passed in what can be read of the ledger, and production is at another'
  const other = { ...aim, target: newest, because }
  const { plan } = await planNow(context, opened, other, { ...options, force: true })
  return plan.steps.some(({ state }) => state === 'change') ? other : aimed
}

function checkOptions({ plan, apply, drill, reason, env }: RollbackOptions): void {
  if ([plan, apply, drill].filter(Boolean).length > 1)
    throw new AigateError('usage', {
      problem: '--plan, --apply and --drill are three different things.',
      mend: 'Write one of them; without any, the plan is printed and nothing is changed.',
    })
  for (const [flag, text] of Object.entries({ reason, env }))
    if (text !== undefined && !PlainLine.safeParse(text).success)
      throw new AigateError('usage', {
        problem: `--${flag} is no line of plain text.`,
        mend: 'Write 1 to 300 characters on one line.',
      })
}

function nothingToGoBackTo(context: Context, { env, apply, json }: RollbackOptions): Ending {
  const text = `There is no release of ${env} before the current one that passed and that nobody went back from: name one with --to.\n`
  say(context, json, { aigate: 'rollback-plan', env, to: null, steps: [] }, text)
  return apply ? 'action_failed' : 'invalid'
}
