// Maps with known keys that are made when something is first read by them: a command needs few of all the schemas.
import * as z from 'zod'

type LateObject<Shape extends z.core.$ZodLooseShape> = z.ZodObject<z.core.util.Writeable<Shape>, z.core.$strict>

const nothing = z.never()

/**
 * `z.strictObject({…})` whose keys are made when it first reads a value: `lateObject(() => ({…}))`. For maps of their own;
 * `z.strictObject` will do for those inside of `shape`, which are made together with it. What is read ten thousand times holds
 * no late map that may be absent, for zod looks for circles in all that it does not know.
 * @param shape is called once. `.shape`, `.partial()` and their like on what comes back call it at once
 */
export function lateObject<Shape extends z.core.$ZodLooseShape>(shape: () => Shape): LateObject<Shape> {
  let made: Shape | undefined
  const def = {
    type: 'object' as const,
    get shape(): Shape {
      made ??= shape()
      Object.defineProperty(this, 'shape', { value: made })
      return made
    },
    catchall: nothing,
  }
  return new z.ZodObject(def) as LateObject<Shape>
}
