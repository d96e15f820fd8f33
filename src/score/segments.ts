// Unicode segmentation of long texts in linear time.

/**
 * Segments of a text by the rules of UAX #29 (ICU).
 * The text goes through `Intl.Segmenter` in windows, because the time that V8 takes for one text grows with its square.
 * What ends within `margin` UTF-16 units of the end of a window is read again at the start of the next one: whether a sentence ends
 * can depend on what follows. A window in which nothing ends before that is widened.
 */
export function* segments(text: string, granularity: 'grapheme' | 'word' | 'sentence'): Generator<Intl.SegmentData> {
  // One locale everywhere: a verdict must not depend on the machine.
  const segmenter = new Intl.Segmenter('en', { granularity })
  const [window, margin] = granularity === 'sentence' ? [2000, 400] : [500, 50]
  let start = 0
  let size = window
  while (start < text.length) {
    const part = text.slice(start, start + size)
    const atEnd = start + part.length >= text.length
    const limit = atEnd ? part.length : part.length - margin
    let end = 0
    for (const segment of segmenter.segment(part)) {
      if (segment.index + segment.segment.length > limit) break
      end = segment.index + segment.segment.length
      yield segment
    }
    start += end
    size = end === 0 ? size * 2 : window
  }
}
