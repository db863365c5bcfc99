// Wildcards of policies: `*` is any text and `?` any one character. Pure, and in time that grows
// with the product of both lengths at most, whatever a policy's author wrote.

const ARN_PARTS = 6

export function matchesText(pattern: string, text: string): boolean {
  let [at, in_, star, resume] = [0, 0, -1, 0]
  while (at < text.length) {
    const wanted = pattern[in_]
    if (wanted === '*') {
      star = in_
      resume = at
      in_ += 1
    } else if (wanted === '?' || wanted === text[at]) {
      at += 1
      in_ += 1
    } else if (star >= 0) {
      // The last star takes one character more, and what follows it is tried again.
      resume += 1
      at = resume
      in_ = star + 1
    } else {
      return false
    }
  }
  while (pattern[in_] === '*') in_ += 1
  return in_ === pattern.length
}

/** Part by part, so that no wildcard reaches over a colon, save in the last part. */
export function matchesArn(pattern: string, arn: string): boolean {
  if (pattern === '*') return true
  const [wanted, given] = [partsOf(pattern), partsOf(arn)]
  if (given.length < ARN_PARTS) return false
  // What an incomplete pattern does not say may be anything.
  return given.every((part, index) => matchesText(wanted[index] ?? '*', part))
}

/** Actions do not know small letters from large ones. */
export function matchesAction(pattern: string, action: string): boolean {
  return matchesText(pattern.toLowerCase(), action.toLowerCase())
}

function partsOf(arn: string): string[] {
  const parts = arn.split(':')
  const rest = parts.splice(ARN_PARTS - 1)
  return rest.length === 0 ? parts : [...parts, rest.join(':')]
}
