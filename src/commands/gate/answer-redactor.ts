// What is taken out of answers before they are kept, in the record of a run and in recordings alike.
import type { LoadedSuite } from '../../ports.ts'
import { namesIn, redactor, secretNames } from '../../run/redact.ts'
import { isSecretName } from '../../secrets.ts'
import type { Session } from './session.ts'

/** Only what we know to be secret is taken out of answers: a suite may well test that a model invents no key of its own. */
export function answerRedactor({ context, project }: Session, { target }: LoadedSuite): (text: string) => string {
  const names = secretNames(project.config)
  if (target.kind === 'http') names.push(...namesIn(JSON.stringify(target.target)))
  if (target.kind === 'command') names.push(...target.target.env.filter(isSecretName))
  return redactor(context.env, names, { patterns: false })
}
