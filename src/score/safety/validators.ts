// The checks of validator that are used here, loaded one by one: the package as a whole is much larger than they are.

/**
 * A module of CommonJS: its one function is the default, or the default of the default where it exports more than that
 * (isIBAN does). Its own types say otherwise to a module of this kind.
 */
function only(loaded: unknown): (text: string, ...options: string[]) => boolean {
  type One = (text: string, ...options: string[]) => boolean
  const { default: outer } = loaded as { default: One | { default: One } }
  return typeof outer === 'function' ? outer : outer.default
}

export const isEmail = async () => only(await import('validator/lib/isEmail.js'))
export const isCreditCard = async () => only(await import('validator/lib/isCreditCard.js'))
export const isIban = async () => only(await import('validator/lib/isIBAN.js'))
export const isIp = async () => only(await import('validator/lib/isIP.js'))
/** `locale` as validator names it, for example `ES` or `zh-CN`. */
export const isIdentityCard = async () => only(await import('validator/lib/isIdentityCard.js'))
/** `locale` as validator names it, for example `de-DE`. */
export const isTaxId = async () => only(await import('validator/lib/isTaxID.js'))
