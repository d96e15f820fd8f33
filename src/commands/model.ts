// aigate model: what the registry says about each model, and whether the providers still have it.
import { healthOf, type Listing, type ModelEntry, modelEntries } from '../decide/model-health.ts'
import { AigateError } from '../errors.ts'
import type { Context, Ending } from '../ports.ts'
import { healthText, modelTable, modelText } from '../report/models.ts'
import { askCatalog, type Catalog, findModel } from '../run/model-catalog.ts'
import type { Config, OpenAiProvider } from '../schema/config.ts'
import { worst } from '../schema/verdict.ts'
import { choose, didYouMean } from '../store/faults.ts'
import { loadProject } from '../store/project.ts'

type Options = { config?: string; json?: boolean }

/** Lists the registry; it finds fault with nothing. */
export async function modelListCommand(context: Context, options: Options): Promise<Ending> {
  const { config } = await loadProject({ cwd: context.cwd, config: options.config })
  const rows = modelEntries(config).map(({ name, pin: { provider, id, status, rollback_to }, state }) => {
    return { name, provider, id, state: state.state, status, rollback_to }
  })
  if (options.json) say(context, { aigate: 'models', version: 1, models: rows })
  else context.stdout.write(modelTable(rows))
  return 'pass'
}

/** Everything that the registry says about one model. */
export async function modelShowCommand(context: Context, name: string, options: Options): Promise<Ending> {
  const { config } = await loadProject({ cwd: context.cwd, config: options.config })
  const { pin, state } = entryOf(modelEntries(config), name)
  const { state: stands, why, known } = state
  const facts = { pin: `${stands}: ${why}`, known: known?.join(', '), ...pin }
  if (options.json) say(context, { aigate: 'model', version: 1, name, pin, state })
  else context.stdout.write(modelText(name, facts))
  return 'pass'
}

/**
 * Asks the provider of one model and of the model that it rolls back to, or those of all. Fails when a model is gone or
 * soon will be, or when there is no way back; invalid when a provider could not be asked.
 */
export async function modelCheckCommand(context: Context, name: string | undefined, options: Options): Promise<Ending> {
  const { config } = await loadProject({ cwd: context.cwd, config: options.config })
  const all = modelEntries(config)
  const find = (wanted: string | undefined) => all.find((entry) => entry.name === wanted) ?? null
  const first = name === undefined ? all : [entryOf(all, name)]
  const wanted = name === undefined ? all : [...first, ...first.flatMap(({ pin }) => find(pin.rollback_to) ?? [])]
  const listing = listings(context, config)
  const models = []
  for (const entry of wanted)
    models.push(healthOf(entry, find(entry.pin.rollback_to), await listing(entry), context.now()))
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

/** Asks each provider once, however many models it has. */
function listings(context: Context, config: Config): (entry: ModelEntry) => Promise<Listing> {
  const asked = new Map<string, Promise<Catalog>>()
  const catalogOf = (name: string, live: OpenAiProvider) => {
    const asking = asked.get(name) ?? askCatalog(live, context.env, context.signal)
    asked.set(name, asking)
    return asking
  }
  return async ({ pin }) => {
    const provider = config.providers[pin.provider]
    const live = provider?.type === 'replay' ? provider.of : provider
    if (!live) return { kind: 'not_asked', reason: `provider ${pin.provider} replays recordings of nobody.` }
    const { models, problem } = await catalogOf(pin.provider, live)
    if (problem !== undefined) return { kind: 'not_asked', reason: problem }
    const found = findModel(models, pin.id)
    return found ? { kind: 'listed', shutdown: found.shutdown } : { kind: 'gone' }
  }
}

const say = (context: Context, value: unknown) => context.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
