// Where each component of production says which version runs: a flag, a value in a file in git, programs, or an HTTP API.
import * as z from 'zod'
import { lateObject } from './late-object.ts'
import { Duration, Name } from './values.ts'

const Argv = z
  .array(z.string())
  .min(1)
  .describe('Program with arguments, no shell; {{version}}, {{component}}, {{key}} and {{reason}} are put in')
const SetCall = lateObject(() => ({
  url: z.url(),
  headers: z.record(z.string(), z.string()).optional().describe('${NAME} is taken from the environment'),
  body: z.json().optional().describe('{{version}}, {{component}}, {{key}} and {{reason}} are put in'),
  method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
}))
const ReadCall = lateObject(() => ({
  ...SetCall.shape,
  method: z.enum(['GET', 'POST']).default('GET'),
  pointer: z.string().describe('JSON pointer to the version in the answer'),
}))

const common = () => ({
  holds: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Part of a release: prompt, prompt:<name>, model, model:<name>, code, or a component such as index; the key of the plane unless written',
    ),
  value: z
    .string()
    .min(1)
    .optional()
    .describe(
      'How the version is written there: {name}@{version} for prompts, {id} for models, {version} for components and code unless written; {provider} and {commit} too',
    ),
})

export const PlaneConfig = z
  .discriminatedUnion('type', [
    lateObject(() => ({
      type: z.literal('flagd'),
      path: z.string().min(1).describe('The flag file that applications read, relative to the configuration'),
      flag: z.string().min(1).describe('Its variants are the versions'),
      ...common(),
    })),
    lateObject(() => ({
      type: z.literal('git'),
      path: z.string().min(1).describe('YAML or JSON file in the repository, relative to the configuration'),
      pointer: z.string().describe('JSON pointer to the version in it'),
      push: z.boolean().default(false),
      ...common(),
    })),
    lateObject(() => ({
      type: z.literal('command'),
      set: Argv,
      read: Argv.describe('Prints the version that runs, and nothing else'),
      timeout: Duration.default(20_000).describe('Of one run of a program'),
      seen_within: Duration.default(7_500).describe('How long it may take until `read` prints what was set'),
      drill: z
        .strictObject({ set: Argv, read: Argv })
        .optional()
        .describe('The same programs against a copy of production: what `aigate rollback --drill` runs instead'),
      ...common(),
    })),
    lateObject(() => ({
      type: z.literal('http'),
      set: SetCall,
      read: ReadCall.describe('Every change is read back'),
      timeout: Duration.default(5_000).describe('Of one call'),
      drill: z
        .strictObject({ set: SetCall, read: ReadCall })
        .optional()
        .describe('The same calls against a copy of production: what `aigate rollback --drill` makes instead'),
      ...common(),
    })),
  ])
  .meta({ id: 'Plane' })
export type PlaneConfig = z.infer<typeof PlaneConfig>

export const Planes = z.record(Name, PlaneConfig)
export type Planes = z.infer<typeof Planes>
