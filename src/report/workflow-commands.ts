// What the runner of GitHub Actions reads: commands on standard output, outputs in a file, and log lines that are no command.
import { disarm, oneLine, plain, shorten } from './safe-text.ts'

/** Characters of one log line that are shown; the rest is counted. */
const LONGEST_LINE = 20_000
const ESC = String.fromCharCode(27)
const colours = new RegExp(`(${ESC}\\[[\\d;]*m)`)

const escapeData = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
const escapeProperty = (text: string) => escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

export type Level = 'error' | 'warning' | 'notice'
/** One annotation. `file` is relative to the workspace, with forward slashes; `line` counts from 1. */
export type Annotation = {
  level: Level
  title: string
  message: string
  file?: string | undefined
  line?: number | undefined
}

/** The command that shows an annotation: one line, whatever is in the texts. Format: workflow commands for GitHub Actions. */
export function annotationCommand({ level, title, message, file, line }: Annotation): string {
  const named = [
    ...(file === undefined ? [] : [['file', plain(file)] as const]),
    ...(file === undefined || line === undefined
      ? []
      : [['line', `${line}`] as const, ['endLine', `${line}`] as const]),
    ['title', oneLine(title, 120)] as const,
  ]
  const properties = named.map(([name, value]) => `${name}=${escapeProperty(disarm(value))}`).join(',')
  return `::${level} ${properties}::${escapeData(disarm(plain(message, 4000)))}\n`
}

/**
 * The commands that hide these values in everything that the job prints from now on. Values under 8 characters are left
 * out: they would tear ordinary words. Of a value of several lines every line is hidden, as the log is printed in lines.
 */
export function maskCommands(values: readonly string[]): string {
  const lines = values.flatMap((value) => [value, ...value.split(/\r?\n/)]).map((value) => value.trim())
  const secrets = [...new Set(lines)].filter(({ length }) => length >= 8)
  return secrets.map((value) => `::add-mask::${escapeData(value)}\n`).join('')
}

/** One line of a program's output for the log: colours stay, everything else that moves a terminal or commands a runner goes. */
export function logLine(text: string): string {
  const parts = shorten(text, LONGEST_LINE)
    .split(colours)
    .map((part, at) => (at % 2 === 1 ? part : plain(part).replaceAll('\n', ' ')))
  return `${disarm(parts.join(''))}\n`
}

/**
 * Outputs as the file behind GITHUB_OUTPUT takes them.
 * @param delimiter random, so that no value can end its own entry
 * @throws Error when a value holds the delimiter
 */
export function outputFile(values: Readonly<Record<string, string>>, delimiter: string): string {
  return Object.entries(values)
    .map(([name, value]) => {
      if (value.includes(delimiter)) throw new Error(`The output ${name} holds its own delimiter.`)
      return `${name}<<${delimiter}\n${value}\n${delimiter}\n`
    })
    .join('')
}
