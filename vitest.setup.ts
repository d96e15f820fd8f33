// Properties draw the same examples in every run, so that a red test is red for everybody; AIGATE_SEED draws others.
import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env['AIGATE_SEED'] ?? 20260101) })
