// Prompt files with front matter: the YAML as a part with places, and the text below it.
import { dirname } from 'node:path'
import * as z from 'zod'
import { AigateError } from '../../errors.ts'
import type { SourceFile } from '../source-text.ts'
import { parseYaml } from '../yaml.ts'
import type { Part } from './parts.ts'

/** `line`: where the text below begins, from 1. Comments above the front matter (licences) are skipped. */
export type FrontMatter = { head: Part; body: string; line: number }

/** @throws AigateError for YAML that cannot be read */
export function frontMatter(text: string, file: SourceFile): FrontMatter {
  const lines = text.split('\n')
  const first = lines.findIndex((line) => line.trim() !== '' && !line.startsWith('#'))
  const end = lines.findIndex((line, i) => i > first && line.trimEnd() === '---')
  const none = first === -1 || lines[first]?.trimEnd() !== '---' || end === -1
  const yaml = none ? '{}' : `${'\n'.repeat(first + 1)}${lines.slice(first + 1, end).join('\n')}\n`
  const { value, locate } = parseYaml(yaml.trim() === '' ? '{}' : yaml, file.shown, z.unknown(), 'front matter', text)
  const body = none ? text : lines.slice(end + 1).join('\n')
  if (body.trim() === '')
    throw new AigateError(
      'bad_file',
      { problem: 'there is no prompt below the front matter', mend: 'Write it.' },
      { file: file.shown },
    )
  const source = { shown: file.shown, dir: dirname(file.path), locate }
  return { head: { value, path: [], source }, body, line: none ? 1 : end + 2 }
}
