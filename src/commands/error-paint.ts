// The colours of error messages: red for what is wrong, green for the mend, none where colours are not wanted.
import { Chalk } from 'chalk'
import type { ErrorPaint } from '../errors.ts'
import type { Context } from '../ports.ts'
import { wantsColor } from './wants-color.ts'

export function errorPaint(context: Context): ErrorPaint {
  const chalk = new Chalk({ level: wantsColor(context.env, context.stderr) ? 1 : 0 })
  return { bad: chalk.red.bold, good: chalk.green }
}
