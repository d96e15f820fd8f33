// The JSON reporter: the report as it stands, in the key order of its schema.
import type { Reporter } from '../ports.ts'
import { Report } from '../schema/verdict.ts'
import { safeJson } from './safe-text.ts'

/**
 * The report as JSON, two spaces, with a line end. Keys come in the order of the schema, whatever made the report.
 * Throws ZodError when the report does not have the published shape.
 */
export const json: Reporter = (report) => `${safeJson(JSON.stringify(Report.parse(report), null, 2))}\n`
