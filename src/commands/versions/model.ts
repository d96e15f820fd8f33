// aigate model: what the registry says about each model, and whether the providers still have it.
import { healthOf, type Listing, type ModelEntry, modelEntries } from '../../decide/health/model-health.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending } from '../../ports.ts'
import { healthText, type ModelRow, modelTable, modelText, statusText } from '../../report/models.ts'
import { askCatalog, type Catalog, findModel } from '../../run/model-catalog.ts'
import type { Config, OpenAiProvider } from '../../schema/config.ts'
import { worst } from '../../schema/verdict.ts'
import { choose, didYouMean } from '../../store/faults.ts'
import { loadProject } from '../../store/project.ts'
import { ledgerStandings } from '../gate/standings.ts'

type Options = { config?: string; json?: boolean }

/** `env`: statuses are those of the releases to this environment. */
type StatusOptions = Options & { env?: string }

async function openRegistry(context: Context, options: StatusOptions) {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const { config } = project
  return { config, all: modelEntries(config, ledgerStandings(context, project, options.env)) }
}

/** Lists the registry, with statuses by the releases; it finds fault with nothing. */
export async function modelListCommand(context: Context, options: StatusOptions): Promise<Ending> {
  const { all } = await openRegistry(context, options)
  const rows = all.map(({ name, pin, state: { state }, stands }): ModelRow => {
    const { provider, id, rollback_to } = pin
    return { name, provider, id, state, ...stands, rollback_to }
  })
  if (options.json) say(context, { aigate: 'models', version: 1, models: rows })
  else context.stdout.write(modelTable(rows))
  return 'pass'
}

/** Everything that the registry says about one model, and where it stands by the releases. */
export async function modelShowCommand(context: Context, name: string, options: StatusOptions): Promise<Ending> {
  const { all } = await openRegistry(context, options)
  const { pin, state, stands } = entryOf(all, name)
  const { state: is, why, known } = state
  const { status: _status, keep_until: _until, ...rest } = pin
  const facts = { pin: `${is}: ${why}`, known: known?.join(', '), ...rest, status: statusText(stands) ?? undefined }
  if (options.json) say(context, { aigate: 'model', version: 1, name, pin, state, ...stands })
  else context.stdout.write(modelText(name, facts))
  return 'pass'
}

/**
 * Asks the provider of one model and of the model that it rolls back to, or those of all. Fails when a model is gone or
 * soon will be, or when there is no way back; invalid when a provider could not be asked.
 */
export async function modelCheckCommand(
  context: Context,
  name: string | undefined,
  options: StatusOptions,
): Promise<Ending> {
  const { config, all } = await openRegistry(context, options)
  const find = (wanted: string | undefined) => all.find((entry) => entry.name === wanted) ?? null
  const first = name === undefined ? all : [entryOf(all, name)]
  const wanted = name === undefined ? all : [...first, ...first.flatMap(({ pin }) => find(pin.rollback_to) ?? [])]
  const listing = listings(context, config)
  const models = []
  for (const entry of wanted)
    models.push(healthOf(entry, find(entry.pin.rollback_to), await listing(entry.pin), context.now()))
  if (options.json) say(context, { aigate: 'model-check', version: 1, models })
  else context.stdout.write(healthText(models))
  return context.signal.aborted ? 'interrupted' : worst(models.map(({ outcome }) => outcome))
}

function entryOf(all: readonly ModelEntry[], name: string): ModelEntry {
  const found = all.find((entry) => entry.name === name)
  if (found) return found
  const known = all.map((entry) => entry.name)
  throw new AigateError('usage', {
    problem: `unknown model "${name}"${didYouMean(name, known)}`,
    mend: choose(name, known, 'models of aigate.yaml', 'Add it under `models` in aigate.yaml.'),
  })
}

/** What the provider of a pin says about it. Each provider is asked once, however many models it has. */
export function listings(
  context: Context,
  config: Config,
): (pin: { provider: string; id: string }) => Promise<Listing> {
  const asked = new Map<string, Promise<Catalog>>()
  const catalogOf = (name: string, live: OpenAiProvider) => {
    const asking = asked.get(name) ?? askCatalog(live, context.env, context.signal)
    asked.set(name, asking)
    return asking
  }
  return async (pin) => {
    const provider = config.providers[pin.provider]
    const live = provider?.type === 'replay' ? provider.of : provider
    if (!live) return { kind: 'not_asked', reason: `provider ${pin.provider} replays recordings of nobody.` }
    const { models, problem } = await catalogOf(pin.provider, live)
    if (problem !== undefined) return { kind: 'not_asked', reason: problem }
    const found = findModel(models, pin.id)
    return found ? { kind: 'listed', ...found } : { kind: 'gone' }
  }
}

const say = (context: Context, value: unknown) => context.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
