// What a browser may do with the HTML report: apply its one stylesheet, run its one script, and nothing else.

/**
 * SHA-256 of STYLE and SCRIPT. Both are constant, so that their hashes are too: a pure room needs no hash function, the
 * policy needs no 'unsafe-inline', and a test holds them equal.
 */
export const HASHES = {
  style: 'sha256-rC4lko86Cg//hv53gM3j7yT2HNdscAwqndxvLAJYvdw=',
  script: 'sha256-YqDTO9doY7JQoCpkJZ8AxS1fHIZuFLWUCnPsuNqfkKA=',
} as const

/** Nothing may be loaded, framed or sent, and no other script or style may run. */
export const POLICY = `default-src 'none'; style-src '${HASHES.style}'; script-src '${HASHES.script}'; base-uri 'none'; form-action 'none'`
