// What may come next on a command line: pure rules over the tree of verbs, without a look at the disk.
export type OptionShape = {
  /** `--config`, and `-h` where there is a short form. */
  flags: string[]
  summary: string
  /** How many words follow: none, one, or as many as come. */
  value: 'none' | 'one' | 'many'
  /** As the help writes it: `file`, `ref`, `name@version`; empty without a value. */
  valueName: string
  choices: readonly string[]
}
export type ArgumentShape = { name: string; variadic: boolean; choices: readonly string[] }
export type VerbShape = {
  name: string
  summary: string
  options: OptionShape[]
  arguments: ArgumentShape[]
  verbs: VerbShape[]
}

export type Candidate = { value: string; summary: string }
/** Things of the project, or of the disk, that have names. */
export type Names =
  | 'suites'
  | 'models'
  | 'prompts'
  | 'runs'
  | 'rollouts'
  | 'environments'
  | 'refs'
  | 'reporters'
  | 'files'
/** `candidates` begin with `current`; `names` are still to be looked up, and stand behind `before` (`--model=`, `table,`). */
export type Next = { current: string; candidates: Candidate[]; names?: { of: Names; before: string } | undefined }

const none: readonly string[] = []

/**
 * Splits a line as a shell would, as far as completion needs it: blanks part words, quotes hold them together.
 * @returns the words after `aigate`, the last one being what is typed (empty behind a blank); null where no word is aigate
 */
export function wordsOf(line: string): string[] | null {
  const words = [...line.matchAll(/(?:"[^"]*"?|'[^']*'?|\\.|[^\s"'\\])+/g)].map(([word]) => word)
  if (/\s$/.test(line) || line === '') words.push('')
  const program = words.findIndex((word) => /(?:^|[\\/])aigate(?:\.(?:js|cmd|ps1))?$/.test(word))
  if (program < 0 || program === words.length - 1) return null
  return words.slice(program + 1).map((word) => word.replaceAll(/["']|\\(?=.)/g, ''))
}

/** The configuration file that the line names before its last word, if it does. */
export function configIn(words: readonly string[]): string | undefined {
  const at = words.findLastIndex((word, i) => i < words.length - 1 && /^--config(=|$)/.test(word))
  const word = words[at]
  if (word === undefined) return undefined
  return word === '--config' ? words[at + 1] : word.slice('--config='.length)
}

/** @param words those behind the name of the program; the last one is being typed */
export function nextOf(tree: VerbShape, words: readonly string[]): Next {
  const current = words.at(-1) ?? ''
  const { path, place, open, used, ended } = walk(tree, words.slice(0, -1))
  const verb = path.at(-1) ?? tree
  const valued = ended ? null : /^(--[\w-]+)=(.*)$/s.exec(current)
  const written = valued && verb.options.find(({ flags }) => flags.includes(valued[1] ?? ''))
  if (written) return valuesOf(written, current, `${valued[1]}=`)
  if (open?.value === 'one' || (open?.value === 'many' && !current.startsWith('-'))) return valuesOf(open, current, '')
  if (current.startsWith('-') && !ended) return { current, candidates: optionsOf(verb, used, current) }
  const verbs = place === 0 ? verb.verbs.map(({ name, summary }) => ({ value: name, summary })) : []
  const argument = verb.arguments[place] ?? verb.arguments.filter(({ variadic }) => variadic).at(-1)
  const given = (argument?.choices ?? none).map((value) => ({ value, summary: '' }))
  const candidates = [...verbs, ...given].filter(({ value }) => value.startsWith(current))
  const of = argument && namesOfArgument(argument.name, path)
  if (candidates.length === 0 && of === undefined && current === '' && !ended)
    return { current, candidates: optionsOf(verb, used, '') }
  return { current, candidates, ...(of && { names: { of, before: '' } }) }
}

type Walked = {
  path: VerbShape[]
  /** How many arguments of the verb are there already. */
  place: number
  open: OptionShape | undefined
  used: Set<OptionShape>
  /** `--` was written. */
  ended: boolean
}

function walk(tree: VerbShape, words: readonly string[]): Walked {
  const at: Walked = { path: [tree], place: 0, open: undefined, used: new Set(), ended: false }
  for (const word of words) {
    const verb = at.path.at(-1) ?? tree
    if (at.open?.value === 'one') at.open = undefined
    else if (!at.ended && word === '--') Object.assign(at, { ended: true, open: undefined })
    else if (!at.ended && word.startsWith('-')) {
      const option = verb.options.find(({ flags }) => flags.includes(word.split('=')[0] ?? ''))
      if (option) at.used.add(option)
      at.open = word.includes('=') || option?.value === 'none' ? undefined : option
    } else if (at.open === undefined) {
      const below = at.place === 0 ? verb.verbs.find(({ name }) => name === word) : undefined
      if (below) at.path.push(below)
      else at.place += 1
    }
  }
  return at
}

function optionsOf(verb: VerbShape, used: ReadonlySet<OptionShape>, current: string): Candidate[] {
  return verb.options
    .filter((option) => !used.has(option) || option.value === 'many')
    .flatMap(({ flags, summary }) => flags.map((value) => ({ value, summary })))
    .filter(({ value }) => value.startsWith('--') && value.startsWith(current))
}

function valuesOf(option: OptionShape, current: string, before: string): Next {
  const candidates = option.choices
    .map((choice) => ({ value: `${before}${choice}`, summary: '' }))
    .filter(({ value }) => value.startsWith(current))
  const of = option.choices.length > 0 ? undefined : namesOfOption(option)
  if (of === undefined) return { current, candidates }
  // In a list, what is typed is its last entry.
  const list = of === 'reporters' ? /^.*,/.exec(current.slice(before.length))?.[0] : undefined
  return { current, candidates, names: { of, before: before + (list ?? '') } }
}

const byFlag: Readonly<Record<string, Names>> = {
  '--model': 'models',
  '--prompt': 'prompts',
  '--suite': 'suites',
  '--env': 'environments',
  '--run': 'runs',
  '--against': 'refs',
  '--base': 'refs',
  '--reporter': 'reporters',
}

function namesOfOption({ flags, valueName }: OptionShape): Names | undefined {
  const known = flags.map((flag) => byFlag[flag]).find((names) => names !== undefined)
  return known ?? (/file|folder|path/.test(valueName) ? 'files' : undefined)
}

const byArgument: Readonly<Record<string, Names>> = {
  suite: 'suites',
  run: 'runs',
  rollout: 'rollouts',
  folder: 'files',
  'guard.yaml': 'files',
  guard: 'files',
  baseline: 'files',
  plan: 'files',
}

/** `name`, `before` and `after` mean what the group of verbs is about. */
function namesOfArgument(name: string, path: readonly VerbShape[]): Names | undefined {
  const group = path[1]?.name
  const known = byArgument[name]
  if (known !== undefined) return known
  if (group === 'model') return 'models'
  if (group === 'prompt' && path.at(-1)?.name !== 'new') return 'prompts'
  if (group === 'baseline') return name === 'before' ? 'suites' : 'files'
  return undefined
}
