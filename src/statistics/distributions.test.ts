// The distributions against mpmath: 1e-10 relative for probabilities, 1e-9 relative for quantiles.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { betaQuantile } from './beta.ts'
import { hypergeometric } from './hypergeometric.ts'
import { normalCdf, normalQuantile } from './normal.ts'
import { expectClose, reference } from './reference.testing.ts'
import { tCdf, tQuantile } from './student-t.ts'
