// What `aigate init` puts into an empty folder: a small project that gives a verdict at once, without a key or a network.
import { lstat, open, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AigateError } from '../errors.ts'
import type { Completion } from '../schema/run.ts'
import { errno, fileError, writeText } from './write-text.ts'
import { makeFolder } from '../make-folder.ts'

/** `path` is relative, with forward slashes. `append`: the text is added to a file that is already there. */
export type ScaffoldFile = { path: string; text: string; append?: true }

const MODEL = 'gpt-4o-mini-2024-07-18'

const config = `# yaml-language-server: $schema=node_modules/aigate/schema/aigate.schema.json
version: 1
providers:
  # replay answers from recordings/ and asks nobody: no key, no network, no cost.
  # \`aigate eval --record\` asks the provider under \`of\` and writes down what it says.
  # To ask at every run, use the part under \`of\` as the provider itself.
  recorded:
    type: replay
    of: {type: openai, base_url: https://api.openai.com/v1, api_key_env: OPENAI_API_KEY}
models: # the model registry: suites name models from here, always pinned to an exact version
  support-main: {provider: recorded, id: ${MODEL}, params: {temperature: 0.2, max_tokens: 200}}
suites: [evals/*.suite.yaml]
budget: {max_cost_usd: 1, max_calls: 500}
`

const handbook = `Handbook:
- Returns: within 30 days, unread and with the receipt. The money is back within 5 working days.
- Delivery: 3.90 euros, free from 40 euros on. It takes 2 to 4 working days.
- Nobody at Fernhill Books ever needs a password or a card number.`

const prompt = `---
name: support/answer
version: 1.0.0
description: answers a customer's question from the handbook
input: [question]
---
system:
You answer the customers of Fernhill Books. Use only the handbook below, in at most three sentences.
When the handbook does not have the answer, say that you do not know.
When a form of the answer is asked for (JSON, yes or no), give that and nothing else.

${handbook}

user:
{{ question }}
`

const worsePrompt = `---
name: support/answer
version: 1.1.0
description: friendlier, and without the handbook; see what the gate says
input: [question]
---
system:
You are the cheerful assistant of Fernhill Books. Always be helpful, and never leave a customer without an answer!

user:
{{ question }}
`

const suite = `# yaml-language-server: $schema=../node_modules/aigate/schema/suite.schema.json
suite: support
version: 1.0.0
description: customers' questions to a small bookshop
target: {prompt: support/answer@1.0.0, model: support-main}
trials: 3 # a model answers differently each time: ask every case three times
gate:
  # Honest limits for six cases. Eighteen good answers out of eighteen prove, with 95 % confidence, a pass rate of
  # some 0.85 and no more, so a higher floor than that could never be met. With 50 cases or more, ask for 0.85 or 0.9.
  min_pass_rate: 0.75
  # The largest drop against the baseline that you can live with. Six cases cannot tell a drop of 5 points (the
  # default) from chance; some 200 cases can. Make this smaller as the suite grows.
  max_regression: 0.35
assert: [{max_words: 60}] # added to every case
cases:
  - id: return_window
    description: a fact that must be right; critical, so one wrong answer blocks, whatever the average says
    category: facts
    critical: true
    tags: [smoke]
    vars: {question: How long do I have to send a book back?}
    assert: [{contains: 30 days}, {not_contains: 60 days}]

  - id: delivery_cost
    description: more than one way to write it is right
    category: facts
    tags: [smoke]
    vars: {question: What does delivery cost?}
    assert: [{contains_any: ["3.90", "3,90"]}, {not_regex: '\\bfree of charge for all\\b'}]

  - id: complaint_as_json
    description: another program reads this answer, so its form counts
    category: format
    vars:
      question: >-
        Give the order number and the problem as JSON with the keys order and problem:
        "Order 48213 arrived yesterday, and the cover is torn."
    assert:
      - is_json: true
      - json_path: {path: $.order, equals: "48213"}
      - json_path: {path: $.problem, contains: torn}

  - id: spam_yes_no
    description: one word, and the right one
    category: format
    vars: {question: 'Is this spam? Answer yes or no. "You have won a cruise! Send 50 euros to claim it."'}
    assert: [{equals: {value: "yes", ignore_case: true}}]

  - id: offered_password
    description: the answer must not repeat a secret
    category: care
    critical: true
    vars: {question: I cannot log in. My password is sparrow-77. Can you check it?}
    assert: [{not_contains: sparrow-77}, {icontains: password}]

  - id: not_in_handbook
    description: no answer is better than an invented one
    category: care
    vars: {question: Do you have a reading group on Tuesdays?}
    assert: [{icontains_any: [do not know, don't know, not sure]}]
`

/** The files, without the recorded answers: their keys are known only when the suite has been loaded. */
export const scaffoldFiles: readonly ScaffoldFile[] = [
  { path: 'aigate.yaml', text: config },
  { path: 'prompts/support/answer/1.0.0.md', text: prompt },
  { path: 'prompts/support/answer/1.1.0.md', text: worsePrompt },
  { path: 'evals/support.suite.yaml', text: suite },
  { path: '.gitignore', text: '.aigate/\n', append: true },
]

/** By case, trial 1 first: five of each, as many as `aigate baseline record` asks for. */
type Answers = Readonly<Record<string, readonly Completion[]>>

/** Answers that were written for this example; their times and tokens are made up to fit their length. */
const written = (texts: Readonly<Record<string, readonly string[]>>): Answers =>
  Object.fromEntries(Object.entries(texts).map(([id, answers]) => [id, answers.map(completionOf)]))

function completionOf(text: string, at: number): Completion {
  const output_tokens = Math.ceil(text.length / 4)
  return {
    outcome: 'answered',
    text,
    tool_calls: [],
    latency_ms: 420 + 9 * output_tokens + 37 * ((at * 3) % 5),
    attempts: 1,
    usage: { input_tokens: 160, output_tokens },
    finish_reason: 'stop',
    response_model: MODEL,
  }
}

/** What support/answer@1.0.0 says: every answer passes. */
export const scaffoldAnswers: Answers = written({
  return_window: [
    'You can send a book back within 30 days, unread and with the receipt.',
    'You have 30 days. The book has to be unread, and please add the receipt.',
    'Returns are possible within 30 days, as long as the book is unread and you have the receipt.',
    'Within 30 days, unread and with the receipt. The money is back within 5 working days.',
    'You have 30 days to return an unread book together with its receipt.',
  ],
  delivery_cost: [
    'Delivery costs 3.90 euros. From 40 euros on it is free.',
    'It is 3.90 euros, and free for orders from 40 euros on.',
    'Delivery is 3.90 euros and takes 2 to 4 working days. Orders from 40 euros on are delivered free.',
    'We charge 3.90 euros; from 40 euros on you pay nothing.',
    'Delivery costs 3.90 euros, or nothing from 40 euros on.',
  ],
  complaint_as_json: [
    '{"order": "48213", "problem": "the cover is torn"}',
    '{"order":"48213","problem":"torn cover"}',
    '{"order": "48213", "problem": "cover torn on arrival"}',
    '{"order": "48213", "problem": "The cover is torn."}',
    '{\n  "order": "48213",\n  "problem": "torn cover"\n}',
  ],
  spam_yes_no: ['Yes', 'yes', 'Yes', 'Yes', 'yes'],
  offered_password: [
    'Please do not tell anyone your password, us included: we never need it. Change it now, for it has been sent here.',
    'We never need your password, so please change it and keep the new one to yourself.',
    'Please keep your password to yourself. Nobody here ever needs it, and I cannot check it.',
    'I cannot check a password, and nobody at Fernhill Books ever needs one. Please change yours now.',
    'Nobody here needs your password. Please change it, and do not send it to anyone.',
  ],
  not_in_handbook: [
    'I do not know whether there is a reading group on Tuesdays.',
    'I am afraid I do not know; the handbook says nothing about reading groups.',
    "I don't know about a reading group. Please ask in the shop.",
    'That I do not know.',
    'I do not know, sorry. The shop can tell you.',
  ],
})

/** A worse version to try the gate on (`aigate eval --prompt support/answer@1.1.0`), and what it says: mostly wrong. */
export const scaffoldWorse: { prompt: string; answers: Answers } = {
  prompt: 'support/answer@1.1.0',
  answers: written({
    return_window: [
      'Great question! You have a full 60 days to send any book back!',
      'Take your time: returns are open for 60 days!',
      'You can return it within 30 days, or 60 days if you ask nicely!',
      'Of course! You have 60 days.',
      'No worries at all, you have 60 days!',
    ],
    delivery_cost: [
      'Delivery is 3.90 euros, and worth every cent!',
      'Only 3.90 euros!',
      'Good news: delivery is free for everybody this week!',
      'It is 3.90 euros. Happy reading!',
      'Just 3.90 euros!',
    ],
    complaint_as_json: [
      'Oh no, a torn cover! Here you go: {"order": "48213", "problem": "torn cover"}',
      'Sorry to hear that! {"order": "48213", "problem": "torn cover"}',
      'Sure! Order: 48213. Problem: the cover is torn.',
      'Of course! {"order": 48213, "problem": "torn cover"}',
      'Happily! {"order": "48213", "problem": "the cover is torn"}',
    ],
    spam_yes_no: [
      'Yes, that looks very much like spam!',
      'Yes! Please do not send any money.',
      'Oh yes, stay away from it!',
      'Yes, it is spam. Take care!',
      'Yes, I am afraid so!',
    ],
    offered_password: [
      'Please keep your password safe and set a new one. We never need it!',
      'No need to send a password. Just set a new one!',
      'Let us get you back in: please set a new password and keep it to yourself!',
      'We never ask for a password. Please choose a new one!',
      'Happy to help! Please set a new password, and keep it secret.',
    ],
    not_in_handbook: [
      'Yes, every Tuesday at seven, with biscuits!',
      'We do! Come along on Tuesday evening.',
      'Of course! Our Tuesday group meets at half past six.',
      'Yes, and new faces are always welcome!',
      'We would love to see you on Tuesday at seven!',
    ],
  }),
}

/**
 * Writes the files into `folder` and returns the paths that it wrote. When one of them exists already, nothing is
 * written and AigateError `init_exists` names them all; only `append` files may exist: they get the lines they lack.
 */
export async function writeScaffold(folder: string, files: readonly ScaffoldFile[]): Promise<string[]> {
  const present: string[] = []
  for (const { path, append } of files) if (!append && (await exists(join(folder, path)))) present.push(path)
  if (present.length > 0) throw new AigateError('init_exists', { files: present.join(', ') })
  const done: string[] = []
  try {
    for (const file of files) {
      if (file.append ? await appendLines(folder, file) : await writeNew(folder, file)) done.push(file.path)
    }
  } catch (error) {
    // Half a project would stand in the way of the next try.
    const ours = files.filter(({ path, append }) => !append && done.includes(path))
    await Promise.all(ours.map(({ path }) => rm(join(folder, path), { force: true })))
    throw error
  }
  return done
}

/** A link that leads nowhere is there too. */
const exists = (path: string) =>
  lstat(path).then(
    () => true,
    (error: unknown) => {
      if (errno(error) === 'ENOENT') return false
      if (errno(error) === 'ENOTDIR') return false
      throw fileError(path, error, 'read')
    },
  )

async function writeNew(folder: string, { path, text }: ScaffoldFile): Promise<true> {
  const file = join(folder, path)
  try {
    await makeFolder(dirname(file))
    // Fails when somebody made the file in the meantime.
    const handle = await open(file, 'wx')
    try {
      await handle.writeFile(text)
    } finally {
      await handle.close()
    }
    return true
  } catch (error) {
    throw fileError(file, error, 'write')
  }
}

async function appendLines(folder: string, { path, text }: ScaffoldFile): Promise<boolean> {
  const file = join(folder, path)
  const old = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errno(error) === 'ENOENT') return ''
    throw fileError(file, error, 'read')
  })
  const there = new Set(old.split(/\r?\n/).map((line) => line.trim()))
  const missing = text.split('\n').filter((line) => line !== '' && !there.has(line))
  if (missing.length === 0) return false
  const gap = old === '' || old.endsWith('\n') ? '' : '\n'
  await writeText(file, `${old}${gap}${missing.join('\n')}\n`)
  return true
}
