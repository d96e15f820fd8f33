// The report of a migration: what was made, what was not carried over, and what a person has to look at, each with its place.
import { nameOfTool, type Migration } from './plan-migration.ts'
import type { Note } from './parts.ts'

/** Markdown without anything that a name of another tool could turn into markup or a terminal command. */
const plain = (text: string) =>
  text
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .replaceAll(/[`<>|*_[\]]/g, '\\$&')
    .slice(0, 400)

export const noteLine = ({ what, why, place: { file, line } }: Note): string =>
  `${file}:${line ?? 1} ${what.slice(0, 200)}: ${why}`

/** @param questions sentences about models whose names are no pins */
export function importReport({ tool, made, notes }: Migration, from: string, questions: readonly string[]): string {
  const list = (kind: Note['kind']) =>
    notes
      .filter((one) => one.kind === kind)
      .map(
        ({ what, why, place: { file, line } }) =>
          `- ${plain(`${file}:${line ?? 1}`)} **${plain(what)}**: ${plain(why)}\n`,
      )
  const part = (title: string, lines: readonly string[], none = '') =>
    lines.length === 0 && none === '' ? '' : `\n## ${title}\n\n${lines.join('') || `${none}\n`}`
  const cases = made.suites.reduce((sum, { cases: all }) => sum + all.length, 0)
  const counted = [
    count(made.prompts.length, 'prompt version'),
    count(made.suites.length, 'suite'),
    count(cases, 'case'),
    count(Object.keys(made.models).length, 'model'),
  ]
  return [
    '# Import report\n\n',
    `${plain(from)} (${nameOfTool(tool)}) became ${counted.join(', ')}.\n`,
    part('Not carried over', list('left'), 'Nothing: all of it came over.'),
    part('Carried over, to be looked at', list('changed')),
    part(
      'Models to be pinned',
      questions.map((one) => `- ${plain(one)}\n`),
    ),
  ].join('')
}

const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
