// Unicode segmentation of long texts in linear time.

/**
 * Segments of a text by the rules of UAX #29 (ICU).
 * The text goes through `Intl.Segmenter` in windows, because the time that V8 takes for one text grows with its square.
 * The last segment of a window is read again at the start of the next one, so that no segment is cut in two; a window
 * that holds only one segment is widened.
 */
export function* segments(text: string, granularity: 'grapheme' | 'word' | 'sentence'): Generator<Intl.SegmentData> {
  // One locale everywhere: a verdict must not depend on the machine.
  const segmenter = new Intl.Segmenter('en', { granularity })
  const window = 500
  let start = 0
  let size = window
  while (start < text.length) {
    const found = [...segmenter.segment(text.slice(start, start + size))]
    const atEnd = start + size >= text.length
    if (!atEnd && found.length === 1) {
      size *= 2
      continue
    }
    const kept = atEnd ? found : found.slice(0, -1)
    yield* kept
    start += kept.reduce((length, { segment }) => length + segment.length, 0)
    size = window
  }
}
