// An incident as Markdown, for the page that is written after it.
import { plural } from './numbers.ts'
import { safeMarkdown } from './safe-text.ts'

type Entry = { at: string; kind: string; by: string; text: string; source: string }
export type IncidentView = {
  id: string
  since: string
  until: string
  running: { env: string; release: string; sentence: string }[]
  entries: Entry[]
}

const minute = (iso: string) => `${iso.slice(0, 10)} ${iso.slice(11, 19)}`

/** A heading, what was running, and one row for everything that happened, times in UTC. */
export function incidentMarkdown({ id, since, until, running, entries }: IncidentView): string {
  const lines = [
    `# Incident ${safeMarkdown(id, 200)}`,
    '',
    `From ${minute(since)} to ${minute(until)} UTC, ${plural(entries.length, 'entry', 'entries')}.`,
    '',
    ...running.map(
      (one) =>
        `Running in ${safeMarkdown(one.env)} at the beginning: ${one.release} (${safeMarkdown(one.sentence, 300)})`,
    ),
    ...(running.length > 0 ? [''] : []),
    '| time | what | who | | written in |',
    '|---|---|---|---|---|',
    ...entries.map(
      (one) =>
        `| ${minute(one.at)} | ${one.kind} | ${safeMarkdown(one.by, 80)} | ${safeMarkdown(one.text, 500)} | ${safeMarkdown(one.source, 200)} |`,
    ),
  ]
  return `${lines.join('\n')}\n`
}
