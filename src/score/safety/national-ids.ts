// Numbers that a state gives to a person, by country: a form that narrows it down and, where there is one, the check digits.
import { isIdentityCard, isTaxId } from './validators.ts'

type IdentityCheck = (text: string, locale: string) => boolean
type Checks = { isIdentityCard: IdentityCheck; isTaxID: IdentityCheck }
type Form = { name: string; form: RegExp; check?: (text: string, checks: Checks) => boolean }

const identity = (locale: string) => (text: string, checks: Checks) => checks.isIdentityCard(text, locale)
const tax = (locale: string) => (text: string, checks: Checks) => checks.isTaxID(text, locale)

/** Every form is bounded, so that the scan is linear. Forms without a check have letters or separators of their own. */
const forms: Readonly<Record<string, readonly Form[]>> = {
  // Never given out: areas 000, 666 and 900 to 999, group 00, serial 0000 (https://www.ssa.gov/employer/randomization.html).
  US: [{ name: 'US social security number', form: /(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])/g }],
  // https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110
  GB: [
    {
      name: 'UK national insurance number',
      form: /(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)/g,
    },
  ],
  DE: [{ name: 'German tax id', form: /(?<![\w.,-])[1-9]\d(?: ?\d{3}){3}(?![\w-]|[.,]\d)/g, check: tax('de-DE') }],
  AT: [{ name: 'Austrian tax number', form: /(?<![\w.,-])\d{2}[-/ ]\d{3}[-/ ]?\d{4}(?![\w-]|[.,]\d)/g, check: tax('de-AT') }],
  FR: [{ name: 'French tax id', form: /(?<![\w.,-])[0-3]\d(?: ?\d{2}){0,1}(?: ?\d{3}){3}(?![\w-]|[.,]\d)/g, check: tax('fr-FR') }],
  ES: [{ name: 'Spanish DNI or NIE', form: /(?<!\w)(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z](?!\w)/g, check: identity('ES') }],
  IT: [{ name: 'Italian tax code', form: /(?<!\w)[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?!\w)/g, check: tax('it-IT') }],
  NL: [{ name: 'Dutch BSN', form: /(?<![\w.,-])\d{9}(?![\w-]|[.,]\d)/g, check: tax('nl-NL') }],
  PL: [{ name: 'Polish PESEL', form: /(?<![\w.,-])\d{11}(?![\w-]|[.,]\d)/g, check: identity('PL') }],
  FI: [{ name: 'Finnish personal id', form: /(?<!\w)\d{6}[-+A]\d{3}[0-9A-FHJ-NPR-Y](?!\w)/g, check: identity('FI') }],
  NO: [{ name: 'Norwegian birth number', form: /(?<![\w.,-])\d{11}(?![\w-]|[.,]\d)/g, check: identity('NO') }],
  PT: [{ name: 'Portuguese NIF', form: /(?<![\w.,-])[1-35-9]\d{8}(?![\w-]|[.,]\d)/g, check: tax('pt-PT') }],
  BR: [{ name: 'Brazilian CPF', form: /(?<![\w.,-])\d{3}\.?\d{3}\.?\d{3}-?\d{2}(?![\w-]|[.,]\d)/g, check: tax('pt-BR') }],
  IN: [{ name: 'Indian Aadhaar number', form: /(?<![\w.,-])[2-9]\d{3} ?\d{4} ?\d{4}(?![\w-]|[.,]\d)/g, check: identity('IN') }],
  CN: [{ name: 'Chinese resident id', form: /(?<!\w)[1-9]\d{16}[\dXx](?!\w)/g, check: identity('zh-CN') }],
} // biome-ignore format: a table

/** Countries whose numbers are known here. */
export const idRegions: readonly string[] = Object.keys(forms)

/** What validator's functions take: without the signs that people write for reading. */
const compact = (text: string): string => text.replace(/[ .]/g, '')

export type FoundId = { name: string; text: string }

/** Numbers of persons of these countries (ISO 3166-1, two letters); countries that are not known add nothing. */
export async function nationalIdsIn(text: string, regions: readonly string[]): Promise<FoundId[]> {
  const checks: Checks = { isIdentityCard: await isIdentityCard(), isTaxID: await isTaxId() }
  return regions.flatMap((region) =>
    (forms[region] ?? []).flatMap(({ name, form, check }) =>
      [...text.matchAll(form)].flatMap(([id]) =>
        !check || check(compact(id), checks) || check(id, checks) ? [{ name, text: id }] : [],
      ),
    ),
  )
}
