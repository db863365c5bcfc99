// What filter patterns see of a text that a producer sent: the JSON document that it is, or else
// the text. AWS drops records whose form is not the pattern's, so neither is made of the other.

/** An object or a list where the text is one; any other text is a string to patterns. */
export function filterDataOf(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
