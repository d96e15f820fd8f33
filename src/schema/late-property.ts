// A property that is worked out each time it is read, from something small that its object keeps, and looks like any other.

/**
 * Makes the function that puts the property `key` on an object. It is its own and enumerable: whoever reads it, copies the
 * object or writes it as JSON finds the value. Make it once for many objects, for they share what it is made of.
 * @param of the value, from what was given with the object; it may be asked for several times
 */
export function lateProperty<Key extends string, Source, Value>(key: Key, of: (source: Source) => Value) {
  const from = Symbol(key)
  const get = function (this: Record<symbol, Source>): Value {
    return of(this[from] as Source)
  }
  const property = { get, enumerable: true, configurable: true }
  return <T extends object>(target: T, source: Source): T & Record<Key, Value> => {
    Object.defineProperty(target, from, { value: source })
    return Object.defineProperty(target, key, property) as T & Record<Key, Value>
  }
}
